"""Messages that say Danas forgot something: "I told you already", where the words name what.

What was meant is looked for among what was forgotten or shortened on this branch, by words that are
rare there. Where two things may be meant, or the window still has those words together, nothing is
taken from it. It counts as if the person had said so in the answer's window, and is taken back
there, or with the message.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import log
from uuid import UUID

from assistant.errors import NotFound
from assistant.memory import wishes
from assistant.models import Message, Window
from inference.diffusion import Action, from_json
from inference.diffusion.mask import newest

REMINDER = re.compile(
    r"\b(?:i(?:'ve| have)? (?:already |just )?(?:told you|said (?:that|this|it|so)|mentioned)"
    r"|as i (?:already )?(?:said|told|mentioned)|you(?:'ve| have)? forg[oe]t(?:ten)?"
    r"|(?:na)?sabi ko na|sinabi ko na|nakalimutan mo|(?:tulad|gaya|kagaya) ng sinabi ko)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"\w{3,}")
# They say nothing of what was meant, in English and Filipino.
EVERYWHERE = frozenset(
    WORD.findall(
        "about after all also always and any are because been before being but can cannot could"
        " did does don done for from get got had has have her here him his how into its just"
        " know let like made make many more most much need never not now only other our out over"
        " please really said same she should some such than that the their them then there these"
        " they thing things this those too use very want was well were what when where which who"
        " why will with would yes you your again already remember told forgot ako ang ano atin"
        " ating ayaw ayon bakit dahil daw din dito diyan doon gusto hindi ikaw ito iyan iyo iyon"
        " kami kanina kasi kay kayo kung lang mag may mayroon mga mong naman namin nang nasa"
        " natin niya nila nito noon paano pala para pero rin saan sila sino siya tayo ulit wala"
        " yan yung sabi sinabi"
    )
)
# Answers that are looked back over.
LOOKBACK = 24
LEAST_SHARED = 2
# Against the second best; and at least as much as two words that two others say too.
MARGIN = 1.5
LEAST_SCORE = 2.0


@dataclass(frozen=True, slots=True)
class Lost:
    answer: UUID
    block: int
    message: str
    words: frozenset[str]


def take_note(answer: UUID) -> None:
    """Where what this answers reminds of something that was forgotten, it is a wish."""
    row = Window.objects.select_related("message__conversation__owner", "message__parent")
    made_from = row.filter(pk=answer).first()
    asked = made_from.message.parent if made_from else None
    if made_from is None or asked is None or not REMINDER.search(asked.text):
        return
    said = _words(REMINDER.sub(" ", asked.text))
    if meant := _meant(said, list(_lost(made_from.message)), _still_there(made_from)):
        person = made_from.message.conversation.owner
        # Deleted meanwhile, there is nothing to wish for.
        with suppress(NotFound):
            wishes.should_have_been_kept(person, meant.answer, meant.block, said_in=asked.pk)


def _meant(said: frozenset[str], lost: list[Lost], there: list[frozenset[str]]) -> Lost | None:
    """The one thing that shares rare enough words with what was said; None where that is unsure."""
    texts = [*(each.words for each in lost), *there]
    common = Counter(word for words in texts for word in words)

    def score(words: frozenset[str]) -> float:
        return sum(log(1 + len(texts) / common[word]) for word in said & words)

    ranked = sorted(lost, key=lambda each: -score(each.words))
    if not ranked:
        return None
    best = ranked[0]
    second = max((score(each.words) for each in ranked if each.message != best.message), default=0)
    shared = said & best.words
    is_sure = (
        len(shared) >= LEAST_SHARED
        and score(best.words) >= max(LEAST_SCORE, MARGIN * second)
        and not any(shared <= words for words in there)
    )
    return best if is_sure else None


def _lost(answer: Message) -> Iterator[Lost]:
    """What the person said that was forgotten or shortened for an answer and those above it, the
    newest first. Room for an answer is made before the message that it answers was said."""
    above: Message | None = answer
    left = LOOKBACK
    while above is not None and left:
        if above.role == Message.Author.ASSISTANT:
            left -= 1
            yield from _lost_for(above)
        above = above.parent


def _lost_for(answer: Message) -> Iterator[Lost]:
    row = Window.objects.filter(message=answer).only("changes").first()
    for change in row.changes if row else ():
        if change["action"] != Action.KEPT and change["role"] == Message.Author.USER:
            gone = _words(change["text_before"]) - _words(change["text_after"])
            yield Lost(answer.pk, change["block"], change["message"], gone)


def _still_there(row: Window) -> list[frozenset[str]]:
    memory = from_json(row.shown)
    asked = newest(memory)
    return [_words(block.text) for block in memory.blocks if block.id not in asked]


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text.casefold())) - EVERYWHERE
