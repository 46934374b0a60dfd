"""What a comment's words and tags say of an answer: praise, blame, or nothing that is sure.

A short list of English words and phrases, each with how surely it is meant so; a negation before a
word turns it round and leaves half of its sureness ("not wrong" is faint praise). What praises and
blames at once is unsure, and below `LEAST` it counts as nothing: silence harms less than a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 0.3
# How far before a word a negation reaches, in words.
REACH = 3
NEGATION = re.compile(
    r"not|no|never|hardly|without|cannot|can't|isn't|wasn't|aren't|don't|doesn't|didn't|ain't"
)
PRAISE = {
    0.9: "perfect|excellent|brilliant|awesome|fantastic|love it|love this|loved|well done|great|"
    "wonderful|amazing|exactly right|spot on|very good|exactly what i (?:wanted|needed|asked for)",
    0.7: "good|helpful|useful|thanks|thank you|correct|right|clear|nice|like it|like this|"
    "well written|accurate|funny|interesting|just right|to the point|concise|better",
    0.5: "fine|ok|okay|works|friendly|polite|short and sweet|complete",
}
BLAME = {
    0.9: "wrong|incorrect|false|useless|terrible|awful|horrible|nonsense|garbage|rubbish|hate|"
    "hated|stupid|dangerous|made up|hallucinated|hallucination|makes no sense|off topic|harmful",
    0.8: "too (?:long|short|wordy|verbose|vague|complicated|technical|formal|informal|simple|"
    "generic|slow|loud|much|many|little|few)|bad|confusing|unclear|misleading|inaccurate|"
    "offensive|rude|unhelpful|boring|repetitive|repeats itself|irrelevant|worse|poor|unsafe",
    0.5: "long|verbose|vague|missing|incomplete|slow|odd|weird|strange|lazy|generic|wordy|"
    "mistakes?|errors?|should have|should be|shorter|instead|less|please stop|stop",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """`confidence` from 0 to 1; 0 says nothing, whatever `is_praise` is."""

    is_praise: bool
    confidence: float


NOTHING = Reading(is_praise=False, confidence=0.0)


def read(text: str, tags: Sequence[str] = ()) -> Reading:
    """What somebody says; tags such as `too_long` are read like words."""
    plain = _plain(text)
    found = _found(plain)
    for tag in tags:
        found += _found(_plain(tag.replace("_", " ").replace("-", " ")))
    praise = max((sureness for sureness in found if sureness > 0), default=0.0)
    blame = -min((sureness for sureness in found if sureness < 0), default=0.0)
    # A question asks for something; only strong words in it judge.
    sure = abs(praise - blame) * (0.5 if plain.endswith("?") else 1.0)
    if sure < LEAST:
        return NOTHING
    return Reading(praise > blame, round(sure, 6))


def _found(text: str) -> list[float]:
    """The sureness of each word of the lists, blame negative; longer phrases hide shorter ones."""
    found: list[float] = []
    for match in _LISTED.finditer(text):
        _, sureness = _PHRASES[(match.lastindex or 1) - 1]
        before = re.findall(r"[\w']+", _clause_before(text, match.start()))[-REACH:]
        is_negated = any(NEGATION.fullmatch(word) for word in before)
        found.append(-0.5 * sureness if is_negated else sureness)
    return found


def _clause_before(text: str, place: int) -> str:
    """What of the sentence comes before a place: "No, it is wrong" does not negate."""
    return re.split(r"[.,;:!?]", text[:place])[-1]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.casefold().replace("\u2019", "'")).strip()


def _split(listed: dict[float, str], sign: int) -> list[tuple[str, float]]:
    """Phrases with their sureness; they are parted at each bar outside brackets."""
    return [
        (phrase, sign * sureness)
        for sureness, phrases in listed.items()
        for phrase in re.split(r"\|(?![^(]*\))", phrases)
    ]


# The longest first, so that "too long" is not read as "long".
_PHRASES = sorted(_split(PRAISE, 1) + _split(BLAME, -1), key=lambda listed: -len(listed[0]))
_LISTED = re.compile("|".join(rf"\b({phrase})\b" for phrase, _ in _PHRASES))
