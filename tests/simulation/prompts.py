"""Short questions from templates and subjects. Those held out share no subject with the others."""

from __future__ import annotations

import random

TEMPLATES = (
    "What is {}?",
    "Tell me about {}.",
    "Why do people care about {}?",
    "What should a beginner know about {}?",
    "How would you explain {} to a child?",
    "What is good about {}?",
    "What is difficult about {}?",
    "Do you like {}?",
    "What do you think of {}?",
    "Describe {} to somebody who has never seen it.",
    "What do I need for {}?",
    "How can I get better at {}?",
    "Where does one find {}?",
    "What is the history of {}?",
    "Is {} worth my time?",
    "What goes well with {}?",
)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(subject.strip() for subject in " ".join(text.split()).split(","))


TRAINING = _listed(
    """
    gardening, chess, black tea, the moon, bicycles, rye bread, swimming, old maps, photography,
    rain, cats, folk music, the winter, cheese, running, mountains, libraries, pottery, the sea,
    owls, trains, soup, poetry, volcanoes, knitting, apples, jazz, camping, bees, bridges,
    dancing, the stars, honey, painting, rivers, board games, coffee, castles, butterflies,
    cooking, lighthouses, violins, snow, deserts, letters, markets, sleep, dogs, windmills,
    fishing, the sun, clocks, whales, forests, pancakes, singing, kites, salt, wooden toys,
    morning walks
    """
)
HELD_OUT = _listed(
    """
    hiking, green tea, the wind, sailing, goats, lemon cake, drawing, islands, opera, thunder,
    museums, wool, candle making, pears, yoga, waterfalls, radios, chocolate, foxes, the autumn,
    ice skating, tomatoes, puppets, meadows, the piano, puzzles, bakeries, turtles, comets,
    night skies, juggling, mirrors
    """
)


def training(seed: int, count: int) -> list[str]:
    """Questions for a session, none twice before all were asked."""
    return _drawn(TRAINING, f"training {seed}", count)


def held_out(seed: int, count: int) -> list[str]:
    """Questions to measure on: about things that nobody asked of in a session."""
    return _drawn(HELD_OUT, f"held out {seed}", count)


def _drawn(subjects: tuple[str, ...], stream: str, count: int) -> list[str]:
    questions = [template.format(subject) for subject in subjects for template in TEMPLATES]
    draw = random.Random(stream)
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += draw.sample(questions, len(questions))
    return drawn[:count]
