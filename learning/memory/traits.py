"""What can be seen of a sentence without a model: numbers, names, times, who it is about."""

from __future__ import annotations

import itertools
import re
from math import log

WORD = re.compile(r"[\w']+")


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text))


FIRST_PERSON = _words("i my me mine we our us i'm i've i'd i'll")
SECOND_PERSON = _words("you your yours you're you've")
NUMBERS = _words("one two three four five six seven eight nine ten")
TIMES = _words(
    "january february march april may june july august september october november december monday"
    " tuesday wednesday thursday friday saturday sunday yesterday today tomorrow tonight last next"
    " week month year ago weekend summer winter spring fall"
)
PAST = _words(
    "went got had was were took made found did saw won bought started met gave began lost came been"
)
WISHES = _words(
    "favorite favourite love enjoy prefer hate like dream goal plan planning want allergic"
)
PRAISE = re.compile(
    r"\b(thanks?|awesome|amazing|great|cool|congrats|wow|glad|inspiring|wonderful)\b"
)
SMALL_TALK = re.compile(
    r"(wow|thanks?|awesome|great|cool|that|yeah|sounds|congrats|nice|good|glad|absolutely"
    r"|definitely|sure|yep|totally|i agree|hey|hi|bye|take care)"
)
# A capital letter in mid-sentence that is no name.
NO_NAMES = frozenset(("I", "I'm", "I've", "I'd", "I'll"))
COUNT = 18


def traits(sentence: str, is_first: bool, is_long: bool) -> list[float]:
    """`COUNT` numbers of one sentence; whether it is its block's first, and has many beside it."""
    words = WORD.findall(sentence.lower())
    share = 1 / max(1, len(words))
    seen = (
        log(1 + len(words)),
        len(words) / 15,
        min(_names(sentence), 3),
        any(word.isdigit() or word in NUMBERS for word in words),
        min(sum(word in TIMES for word in words), 2),
        sum(word in FIRST_PERSON for word in words) * share,
        any(word in FIRST_PERSON for word in words),
        sum(word in SECOND_PERSON for word in words) * share,
        "?" in sentence,
        "!" in sentence,
        PRAISE.search(sentence.lower()) is not None,
        "[" in sentence and "image" in sentence.lower(),
        min(sum(word.endswith("ed") or word in PAST for word in words), 2),
        SMALL_TALK.match(sentence.strip().lower()) is not None,
        any(word in WISHES for word in words),
        any(word.endswith("n't") for word in words),
        is_first,
        is_long,
    )
    return [float(each) for each in seen]


def _names(sentence: str) -> int:
    words = sentence.split()
    return sum(
        word[:1].isupper() and not before.endswith((".", "!", "?"))
        for before, word in itertools.pairwise(words)
        if word.strip("'’.,!?") not in NO_NAMES  # noqa: RUF001
    )
