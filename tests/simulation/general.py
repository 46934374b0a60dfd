"""Some two hundred small questions with one right answer each, to see what learning has cost.

They have nothing to do with what any simulated person wishes, and are no part of Danas's own bank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
# What to ask, and lines of what to ask it about with the words that count as right.
TABLES = (
    (
        "What is the capital of {}?",
        """France: Paris, Italy: Rome, Germany: Berlin, Spain: Madrid, Portugal: Lisbon, Japan:
        Tokyo, China: Beijing, India: New Delhi, Russia: Moscow, Egypt: Cairo, Greece:
        Athens, Turkey: Ankara, Poland: Warsaw, Austria: Vienna, Hungary: Budapest,
        Sweden: Stockholm, Norway: Oslo, Finland: Helsinki, Denmark: Copenhagen,
        Ireland: Dublin, England: London, Scotland: Edinburgh, Canada: Ottawa, Mexico:
        Mexico City, Cuba: Havana, Peru: Lima, Chile: Santiago, Brazil: Brasilia,
        Argentina: Buenos Aires, Kenya: Nairobi, Iran: Tehran, Iraq: Baghdad, Thailand:
        Bangkok, Vietnam: Hanoi, South Korea: Seoul, Australia: Canberra, Belgium:
        Brussels, Switzerland: Bern, Romania: Bucharest, Ukraine: Kyiv|Kiev""",
    ),
    (
        "On which continent is {}?",
        """Egypt: Africa, Nigeria: Africa, Kenya: Africa, Ghana: Africa, Morocco: Africa, France:
        Europe, Italy: Europe, Poland: Europe, Sweden: Europe, Spain: Europe, China:
        Asia, Japan: Asia, India: Asia, Thailand: Asia, Mongolia: Asia, Brazil: South
        America, Peru: South America, Chile: South America, Canada: North America,
        Mexico: North America""",
    ),
    (
        "Which language do most people speak in {}?",
        """France: French, Germany: German, Austria: German, Italy: Italian, Spain: Spanish,
        Mexico: Spanish, Argentina: Spanish, Portugal: Portuguese, Brazil: Portuguese,
        Japan: Japanese, Russia: Russian, Poland: Polish, Greece: Greek, Turkey:
        Turkish, Egypt: Arabic, Sweden: Swedish, Australia: English, Hungary: Hungarian,
        Finland: Finnish, Denmark: Danish""",
    ),
    (
        "What is the opposite of {}?",
        """hot: cold, big: small|little, up: down, left: right, day: night, good: bad, happy: sad,
        fast: slow, high: low, open: closed|close, light: dark|heavy, old: young|new,
        rich: poor, strong: weak, early: late, empty: full, wet: dry, hard: soft|easy,
        long: short, thick: thin, clean: dirty, loud: quiet|soft, near: far, first:
        last, true: false, love: hate, war: peace, win: lose, push: pull, inside:
        outside""",
    ),
    (
        "Which day comes after {}?",
        """Monday: Tuesday, Tuesday: Wednesday, Wednesday: Thursday, Thursday: Friday, Friday:
        Saturday, Saturday: Sunday, Sunday: Monday""",
    ),
    (
        "Which month comes after {}?",
        """January: February, February: March, March: April, April: May, May: June, June: July,
        July: August, August: September, September: October, October: November,
        November: December, December: January""",
    ),
    (
        "What is the plural of the word {}?",
        """mouse: mice, child: children, foot: feet, tooth: teeth, goose: geese, man: men, woman:
        women, leaf: leaves, wolf: wolves, knife: knives, box: boxes, city: cities,
        baby: babies, cat: cats""",
    ),
    (
        "What is a young {} called?",
        """dog: puppy|pup, cat: kitten, cow: calf, sheep: lamb, horse: foal, pig: piglet, goat:
        kid, bear: cub, lion: cub, duck: duckling, deer: fawn, frog: tadpole""",
    ),
    (
        "What is the chemical symbol of {}?",
        """gold: Au, silver: Ag, iron: Fe, oxygen: O, hydrogen: H, carbon: C, sodium: Na, helium:
        He, copper: Cu, calcium: Ca""",
    ),
    (
        "What colour is {}?",
        """the sky on a clear day: blue, grass: green, snow: white, blood: red, a ripe banana:
        yellow, coal: black, a carrot: orange, chocolate: brown, a lemon: yellow, milk:
        white""",
    ),
)
SUMS = (
    (2, 3),
    (1, 1),
    (4, 4),
    (5, 2),
    (3, 6),
    (7, 1),
    (2, 2),
    (6, 4),
    (5, 5),
    (8, 3),
    (9, 2),
    (7, 5),
)


@dataclass(frozen=True, slots=True)
class Item:
    question: str
    right: tuple[str, ...]

    def holds(self, answer: str) -> bool:
        return any(
            re.search(rf"\b{re.escape(word)}\b", answer, re.IGNORECASE) for word in self.right
        )


def items() -> list[Item]:
    found = [
        Item(template.format(about.strip()), tuple(right.strip().split("|")))
        for template, table in TABLES
        for about, right in (row.split(":") for row in " ".join(table.split()).split(","))
    ]
    sums = [Item(f"What is {a} plus {b}?", (str(a + b), NUMBERS[a + b])) for a, b in SUMS]
    return found + sums
