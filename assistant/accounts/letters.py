"""What is written to people by e-mail, in the languages that the page speaks."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

ENGLISH, FILIPINO = "en", "fil"
# Tagalog is what browsers call Filipino too.
SPOKEN = {"en": ENGLISH, "fil": FILIPINO, "tl": FILIPINO}


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str

    def to(self, name: str, link: str) -> str:
        return self.text.format(name=name, link=link)


CONFIRMATION = {
    ENGLISH: Letter(
        "Confirm your address",
        "Hello {name},\n\n"
        "open this link to confirm that this is your address:\n\n{link}\n\n"
        "If you have no account there, do nothing.\n",
    ),
    FILIPINO: Letter(
        "Kumpirmahin ang address mo",
        "Kumusta {name},\n\n"
        "buksan ang link na ito para kumpirmahing sa iyo ang address na ito:\n\n{link}\n\n"
        "Kung wala kang account doon, huwag nang gumawa ng anuman.\n",
    ),
}
NEW_PASSWORD = {
    ENGLISH: Letter(
        "A new password for Danas",
        "Hello {name},\n\n"
        "choose a new password here, within an hour:\n\n{link}\n\n"
        "If you did not ask for this, do nothing: your password stays as it is.\n",
    ),
    FILIPINO: Letter(
        "Bagong password para sa Danas",
        "Kumusta {name},\n\n"
        "pumili rito ng bagong password sa loob ng isang oras:\n\n{link}\n\n"
        "Kung hindi mo ito hiningi, huwag nang gumawa ng anuman: mananatili ang password mo.\n",
    ),
}


def language_of(request: HttpRequest) -> str:
    """The first of the languages asked for that letters are written in; else English.

    The page asks for the one that was chosen there, a browser by itself for its own.
    """
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    primary = (tag.split("-")[0] for tag, _ in asked)
    return next((SPOKEN[tag] for tag in primary if tag in SPOKEN), ENGLISH)
