"""What a conversation is called: by rule when it begins, by the model after the first answer.

A small model names badly: asked for a title, SmolLM2-135M answers the question again, or repeats
one of the examples. So it is not asked by default (`DANAS_TITLES=auto`), and what any model says
counts only if it is short, on one line, and about what was said.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction

from assistant import asides
from assistant.library import notices
from assistant.models import Conversation, Message
from inference.client import EngineClient
from inference.contracts import ChatMessage, Sampling
from inference.size import bytes_of_weights
from inference.tokenizer import ChatTokenizer

TASK = "assistant.title"
LONGEST = 60
MOST_WORDS = 9
TOKENS = 12
# Of each side of the exchange; a title is about its beginning.
EXCERPT = 600
# Weights of less than this many bytes are of a model that names worse than the rule does.
LEAST_WEIGHTS = 2_000_000_000

_PLEASE = re.compile(
    r"^(?:"
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|kumusta|magandang \w+)"
    r"(?: there| danas| po)*"
    r"|please|kindly|pakisuyo|paki"
    r"|(?:can|could|would|will) you(?: please| kindly)?"
    r"|(?:i(?:'d| would) like|i want|i need) you to"
    r"|(?:puwede|pwede|maaari|pwedeng|puwedeng)(?: mo| po)*(?: bang| ba)?"
    r"|(?:help me(?: to)?|tell me|show me)(?= \w+ \w+)"
    r")(?:[\s,.!:\u2013\u2014-]+|$)",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,.;!\u2013\u2014-]*\b(?:please|thanks|thank you|salamat(?: po)?)[\s.!]*$", re.I
)
_MARKUP = re.compile(r"^[\s#>*+`~=|-]+|^\d+[.)]\s+")
_SENTENCE = re.compile(r"^(.{6,}?(?:\?|[.!;](?=\s)|[.!;]$))")
_PREAMBLE = re.compile(r"^(?:(?:title|pamagat|topic|subject)\s*:|sure\b|here\b|okay\b|i\b)", re.I)

EXAMPLES = (
    ("How do I get red wine out of a white shirt?", "Removing a red wine stain"),
    ("Write a letter to my landlord about the broken heater", "Letter about a broken heater"),
    ("Ano ang magandang pasyalan sa Baguio?", "Pasyalan sa Baguio"),
    ("def f(x): return x+1 -- why does this fail for strings?", "Python function with strings"),
)


def by_rule(text: str) -> str:
    """The first clause of what was said, without its politeness, cut at a word."""
    line = next((bare for line in text.splitlines() if (bare := _MARKUP.sub("", line).strip())), "")
    said = line
    while (shorter := _PLEASE.sub("", said, count=1)) != said and len(shorter) > 3:
        said = shorter
    said = _THANKS.sub("", said) or said
    if sentence := _SENTENCE.match(said):
        said = sentence[1].rstrip(".;!")
    return _cut(said[:1].upper() + said[1:] if said else line)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    head = text[: LONGEST - 1]
    return (head.rsplit(" ", 1)[0].rstrip(" ,;:-\u2013") or head) + "…"


def is_by_model() -> bool:
    """Whether this Danas asks its model for titles."""
    if settings.TITLES == "auto":
        return bytes_of_weights(settings.MODEL_PATH) >= LEAST_WEIGHTS
    return settings.TITLES == "model"


def ask_if_first(answer: Message) -> None:
    """Have a worker name the conversation that this answer is the first of, after the commit."""
    where = answer.conversation
    is_ours = where.is_listed and where.titled_by == Conversation.Titling.RULE
    if is_ours and answer.parent is not None and answer.parent.parent_id is None and is_by_model():
        transaction.on_commit(
            lambda: current_app.send_task(TASK, args=[str(answer.pk)]), robust=True
        )


def name_by_model(answer: UUID) -> bool:
    """Ask the model, and name the conversation if it said a title. Runs in a worker.

    Raises:
        inference.errors.InferenceError: the engine can't be asked.
    """
    said = exchange(answer)
    if said is None:
        return False
    title = asyncio.run(_ask_engine(*said))
    return bool(title) and name(answer, title)


async def _ask_engine(question: str, answer: str) -> str:
    tokenizer = ChatTokenizer.from_folder(settings.MODEL_PATH)
    async with EngineClient(settings.ENGINE_URLS, settings.ENGINE_KEY) as client:
        return await suggest(question, answer, client, tokenizer)


async def suggest(
    question: str, answer: str, client: EngineClient, tokenizer: ChatTokenizer
) -> str:
    """The model's title; empty where what it says isn't one.

    Raises:
        inference.errors.InferenceError: the engine can't be asked.
    """
    sampling = Sampling(temperature=0.1, top_p=0.9, max_tokens=TOKENS)
    sample = await asides.ask(_prompt(question, answer), sampling, client, tokenizer)
    return plausible(sample.text, question, answer)


def _prompt(question: str, answer: str) -> list[ChatMessage]:
    chat = [ChatMessage("system", "You give conversations short titles of two to six words.")]
    for said, title in EXAMPLES:
        chat += [ChatMessage("user", f"Title for: {said}"), ChatMessage("assistant", title)]
    said = f"{question[:EXCERPT]}\n{answer[:EXCERPT]}"
    return [*chat, ChatMessage("user", f"Title for: {said}")]


def plausible(said: str, question: str, answer: str) -> str:
    """`said` as a title, or nothing: it has to be short and to share a word with what was said."""
    lines = said.strip().splitlines()
    title = lines[0].strip(" \t\"'*#`\u201c\u201d\u2018\u2019").rstrip(".:,;") if lines else ""
    words = _words(title)
    is_short = 0 < len(words) <= MOST_WORDS and len(title) <= LONGEST
    if not is_short or len(lines) > 1 or _PREAMBLE.match(title):
        return ""
    about = {word[:5] for word in _words(f"{question} {answer}") if len(word) > 3}
    return title if any(word[:5] in about for word in words if len(word) > 3) else ""


def _words(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text.casefold())


def exchange(answer: UUID) -> tuple[str, str] | None:
    """What was asked and answered first, if the conversation still has the rule's title."""
    row = (
        Message.objects.filter(
            pk=answer,
            conversation__deleted_at=None,
            conversation__titled_by=Conversation.Titling.RULE,
        )
        .select_related("parent")
        .first()
    )
    if row is None or row.parent is None or not row.text.strip():
        return None
    return row.parent.text, row.text


@transaction.atomic
def name(answer: UUID, title: str) -> bool:
    """Give the answer's conversation the model's title, unless a person named it meanwhile."""
    rows = Conversation.objects.filter(
        messages=answer, titled_by=Conversation.Titling.RULE
    ).values_list("pk", "owner_id")
    for pk, owner in rows:
        is_ours = Conversation.objects.filter(pk=pk, titled_by=Conversation.Titling.RULE)
        if is_ours.update(title=title, titled_by=Conversation.Titling.MODEL):
            notices.changed(owner, [pk])
            return True
    return False
