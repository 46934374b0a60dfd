"""Which sentences of a person are about themselves, and which of two takes the other's place.

By rule, in English and Filipino: whether a sentence will be asked for is the model's to say, but
that it may speak for the person in other conversations has to be plain, and the same every time.
"""

from __future__ import annotations

import re

from assistant.models import Note
from assistant.models.note import LONGEST

Kind = Note.Kind
LEAST_WORDS = 3
# What is longer was pasted, and speaks for whoever wrote it.
LONGEST_SAID = 2000
# Shares of the words that two statements have in common, from which on they are about one thing.
SAME, SIMILAR = 0.8, 0.6

_PERSON = re.compile(r"\b(?:i|my|mine|we|our|ours|ako|ko|akin|aking|kami|namin|amin|aming)\b")
_REQUEST = re.compile(
    r"\b(?:(?:can|could|would|will) you|i (?:want|need|would like|d like) you|please"
    r"|pakisuyo|puwede mo|pwede mo)\b"
)
_LIKING = re.compile(
    r"\b(?:likes?|loves?|prefer|enjoy|hate|dislike|can ?t stand|favou?rite|allerg\w+|vegetarian"
    r"|vegan|rather|always|never|want|gusto|ayaw|ayoko|paborito\w*|mahilig)\b"
)
_OPEN = re.compile(
    r"\b(?:wonder\w*|not sure|undecided|(?:still )?(?:need|have) to (?:decide|find out|choose)"
    r"|can ?t decide|hindi ako sigurado|iniisip ko pa)\b"
)
_QUOTED = re.compile(r"^\s*(?:>|[\"“”«'‘]|```|\|)")  # noqa: RUF001
_CHANGE = re.compile(
    r"\b(?:actually|no longer|not any ?more|anymore|any more|instead|now|changed my mind|stopped"
    r"|quit|hindi na|ngayon)\b"
)
_DENIAL = re.compile(r"\b(?:not|no|never|don ?t|doesn ?t|isn ?t|can ?t|won ?t|no longer|hindi)\b")
# A person has one of each, so a later one is the one.
_ONE_OF = re.compile(
    r"^(?:now )?i (?:now |still |currently )?(?P<act>live|moved|work|study)\b"
    r"|^(?:my|our) (?P<thing>(?:\w+ ){0,3}?(?:name|age|birthday|address|job|phone|number|size"
    r"|height|weight|appointment|flight|favou?rite \w+(?: \w+)?)) (?:is|are|was|will be)\b"
    r"|^ang (?P<ang>(?:\w+ ){1,2}?(?:kong?|naming?) (?:\w+ )?)ay\b"
    r"|^(?P<dito>nakatira|nagtatrabaho|nag aaral) ako\b"
)
_SAME_ACT = {"moved": "live"}
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an the i my we our am is are was be been have has had do does did don t s m ve d to"
        " of in on at for with and or but it that this so really very now no not never longer"
        " anymore any more actually instead ko ako ang ng sa na ay mga si hindi ngayon po",
    )
)


def kind_of(sentence: str) -> Kind | None:
    """What a sentence tells of the person who said it; None where it does not speak of them."""
    said = plain(sentence)
    if len(said.split()) < LEAST_WORDS or _QUOTED.match(sentence) or _REQUEST.search(said):
        return None
    if not _PERSON.search(said) or len(sentence) > LONGEST:
        return None
    if sentence.rstrip().endswith("?") or _OPEN.search(said):
        return Kind.QUESTION
    return Kind.PREFERENCE if _LIKING.search(said) else Kind.FACT


def plain(text: str) -> str:
    """The words alone, in lower case: equal for what says the same in the same words."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def replaces(later: str, earlier: str) -> bool:
    """Whether a later statement is about the same thing and holds in the earlier one's place.

    So it is where the two say nearly the same, where there can only be one of the thing, and where
    the later one says that something is no more, or denies what the earlier one says.
    """
    new, old = plain(later), plain(earlier)
    if _share(set(new.split()), set(old.split()), smaller=False) >= SAME:
        return True
    if (about := _about(new)) and about == _about(old):
        return True
    alike = _share(_content(new), _content(old), smaller=True)
    if _CHANGE.search(new) and alike >= SIMILAR:
        return True
    return bool(_DENIAL.search(new)) != bool(_DENIAL.search(old)) and alike >= SAME


def _about(said: str) -> str:
    found = _ONE_OF.match(said)
    if found is None:
        return ""
    act, *others = found.group("act", "thing", "ang", "dito")
    return _SAME_ACT.get(act, act) if act else next(filter(None, others)).strip()


def _content(said: str) -> set[str]:
    return set(said.split()) - _EMPTY


def _share(some: set[str], others: set[str], *, smaller: bool) -> float:
    """How many words two sets have in common, of the smaller one's or of all; 0 for none."""
    whole = min(len(some), len(others)) if smaller else len(some | others)
    return len(some & others) / whole if whole else 0.0
