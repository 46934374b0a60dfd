"""The copy guard: a text worded anew may leave things out, but says nothing new.

It compares words. Numbers, names, dates, addresses and quotations must be the source's, and so must
nearly all other words that mean something; a yes may not become a no; a refusal, a question back or
talk about the task is no rewording. Where it is in doubt it objects, since then whole sentences of
the source are kept in place of the text. In scripts without capitals any word may be a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from inference.diffusion.sentences import sentences
from inference.diffusion.window import Block, Tokenizer

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
WORD = re.compile(r"[^\W\d_]+")
ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[^\s@]+@[^\s@]+\.\w+")
QUOTATION = re.compile(r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|「([^」]+)」")
APOSTROPHE = "\u2019"
CLOSING = ".,;:!?)]}>\"'”" + APOSTROPHE
QUESTION_MARK = re.compile(r"[?？؟]")  # noqa: RUF001
REFUSAL = re.compile(
    r"\bi(?:'m| am) (?:sorry|afraid|unable|not able)\b|\bi (?:can't|cannot|can not|won't)\b"
    r"|\bas an ai\b|\bi don't have (?:access|enough)\b",
    re.IGNORECASE,
)
ABOUT_THE_TASK = re.compile(
    r"^(?:sure|certainly|of course)\b|\bhere(?:'s| is) (?:a|the|your)\b"
    r"|\b(?:passage|rewritten|rephrased|shortened|shorter version|summary)\b",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"n't\b|\b(?:not|no|never|nobody|nothing|none|neither|nor|without|cannot"
    r"|hindi|wala|huwag|di)\b",
    re.IGNORECASE,
)
# Words that say how many or when. "One", "second", "may" and "march" mean too much else.
COUNTS_AND_DATES = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand
million billion dozen half first third twice january february april june july august september
october november december monday tuesday wednesday thursday friday saturday sunday today tonight
yesterday tomorrow
"""
# Words that hold a sentence together: they may be added, and a sentence may begin with them.
FUNCTION_WORDS = """
a about after again all also although am an and any are as at be because been before being both but
by can could did do does doing during each either every few for from get got had has have having he
her here hers him his how i if in into is it its itself just like me mine more most much my myself
not of off on once only or other our ours out over own really s same she should since so some such t
than that the their theirs them then there these they this those though through to too under until
up us very was we were what when where which while who whom whose why will with would yes you your
yours d ll m re ve
"""
# Two words that begin with so many equal letters count as forms of one.
STEM = 5
# Of a sentence's words that mean something, this share may be new: "bought" for "got".
NEW_SHARE = 0.2
_COUNTS_AND_DATES = frozenset(COUNTS_AND_DATES.split())
_FUNCTION_WORDS = frozenset(FUNCTION_WORDS.split())


def accepted(block: Block, text: str, budget: int, tokenizer: Tokenizer) -> Block | None:
    """The block with `text` in place of its own; None where the guard or the budget is against it.

    A sentence is as likely to be asked for as the likeliest of those that it comes from.
    """
    text = text.strip()
    if next(objections(block, text), None):
        return None
    [tokens] = tokenizer.counts([text])
    if tokens > budget:
        return None
    return replace(
        block,
        text=text,
        tokens=tokens,
        needs=_needs(block, text) if block.needs else (),
        rewrites=block.rewrites + 1,
    )


def objections(block: Block, text: str) -> Iterator[str]:
    """What speaks against `text` as a rewording of the block, each in a word or two."""
    source, known = block.text, stems(f"{block.role} {block.text}")
    if not WORD.search(text) and not NUMBER.search(text):
        yield "empty"
    if not set(NUMBER.findall(text)) <= set(NUMBER.findall(source)):
        yield "number"
    if (_words(text) & _COUNTS_AND_DATES) - _words(source):
        yield "count or date"
    if any(_names(text, _words(source) | _words(block.role))):
        yield "name"
    if any(_is_invented(each, known) for each in sentences(text)):
        yield "invention"
    if not _addresses(text) <= _addresses(source):
        yield "address"
    if any(_plain(quoted) not in _plain(source) for quoted in _quotations(text)):
        yield "quotation"
    if not all(_agrees(each, sentences(source)) for each in sentences(text)):
        yield "negation"
    if any(_plain(each) not in _plain(source) for each in _questions(text)):
        yield "question"
    for name, pattern in (("refusal", REFUSAL), ("about the task", ABOUT_THE_TASK)):
        if pattern.search(_plain(text)) and not pattern.search(_plain(source)):
            yield name


def stems(text: str) -> set[str]:
    """The words and numbers of a text that mean something, without their endings."""
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return {word[:STEM] for word in words - _FUNCTION_WORDS}


def _is_invented(sentence: str, known: set[str]) -> bool:
    said = stems(sentence)
    return len(said - known) > NEW_SHARE * len(said)


def _words(text: str) -> set[str]:
    return {word.casefold() for word in WORD.findall(text)}


def _names(text: str, known: set[str]) -> Iterator[str]:
    """Words that are not written small, or can't be, and are not known."""
    for sentence in sentences(text):
        for place, word in enumerate(WORD.findall(sentence)):
            is_opener = place == 0 and word.casefold() in _FUNCTION_WORDS
            if not (word.islower() or word == "I" or is_opener or word.casefold() in known):
                yield word


def _addresses(text: str) -> set[str]:
    return {found.rstrip(CLOSING) for found in ADDRESS.findall(text)}


def _quotations(text: str) -> list[str]:
    return ["".join(groups) for groups in QUOTATION.findall(text)]


def _questions(text: str) -> list[str]:
    return [each for each in sentences(text) if QUESTION_MARK.search(each)]


def _plain(text: str) -> str:
    return " ".join(text.replace(APOSTROPHE, "'").casefold().split())


def _agrees(sentence: str, source: Sequence[str]) -> bool:
    """Whether it says no, or doesn't, as one of the sentences that it comes from does."""
    says_no = NEGATION.search(_plain(sentence)) is not None
    origins = [source[place] for place in _origins(sentence, source)]
    return any((NEGATION.search(_plain(origin)) is not None) == says_no for origin in origins)


def _needs(block: Block, text: str) -> tuple[float, ...]:
    source = sentences(block.text)
    return tuple(
        max(block.needs[place] for place in _origins(sentence, source))
        for sentence in sentences(text)
    )


def _origins(sentence: str, source: Sequence[str]) -> list[int]:
    """The places of the source's sentences that share most words with this one."""
    shared = [len(_words(sentence) & _words(each)) for each in source]
    return [place for place, count in enumerate(shared) if count == max(shared)]
