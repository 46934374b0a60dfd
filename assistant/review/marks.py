"""What looks like it could identify somebody. A hint for reviewers: it overlooks some, and marks
what is harmless."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers
from stdnum import iban, luhn

# Numbers without a country code are tried as if from here.
REGIONS = ("PH", "US", None)
LONGEST_CHARACTERS = 20_000

EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
ADDRESS = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'`)\]]+[^\s<>\"'`)\].,;:!?]")
CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
MACHINE = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*::?[0-9A-Fa-f:]+)(?![\w:])"
)
SOCIAL_SECURITY = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """In characters (code points) of the text."""

    start: int
    end: int
    kind: str


def find(text: str) -> list[Mark]:
    """Marks from left to right, none over another; where two meet, the longer one stays."""
    text = text[:LONGEST_CHARACTERS]
    chosen: list[Mark] = []
    for mark in sorted(_all(text), key=lambda mark: (mark.start - mark.end, mark.start)):
        if all(mark.end <= other.start or mark.start >= other.end for other in chosen):
            chosen.append(mark)
    return sorted(chosen)


def _all(text: str) -> Iterator[Mark]:
    yield from _matching(EMAIL, text, "email")
    yield from _matching(ADDRESS, text, "address")
    yield from _matching(SOCIAL_SECURITY, text, "number")
    for found in CARD.finditer(text):
        if luhn.is_valid(re.sub(r"\D", "", found[0])):
            yield Mark(*found.span(), "card")
    for found in ACCOUNT.finditer(text):
        yield from _account(found)
    for found in MACHINE.finditer(text):
        if _is_machine(found[0]):
            yield Mark(*found.span(), "ip")
    if any(character.isdigit() for character in text):
        for region in REGIONS:
            for match in phonenumbers.PhoneNumberMatcher(text, region):
                yield Mark(match.start, match.end, "phone")


def _matching(pattern: re.Pattern[str], text: str, kind: str) -> Iterator[Mark]:
    return (Mark(*found.span(), kind) for found in pattern.finditer(text))


def _account(found: re.Match[str]) -> Iterator[Mark]:
    """A word in capitals behind the number can look like its last group."""
    text = found[0]
    while text:
        if iban.is_valid(text):
            yield Mark(found.start(), found.start() + len(text), "account")
            return
        text = text.rpartition(" ")[0]


def _is_machine(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)
