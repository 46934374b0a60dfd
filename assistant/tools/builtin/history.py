"""Search in the person's own conversations, as a tool."""

from __future__ import annotations

from pydantic import Field

from assistant.models import SearchEntry
from assistant.search import finding
from assistant.search.finding import Hit, Wanted
from assistant.texts import storable
from assistant.tools.builtin.clock import said_to
from assistant.tools.builtin.tool import Arguments, Builtin, Use

SHOWN = 5
WHOLE_CHARACTERS = 400


class Search(Arguments):
    words: str = Field(min_length=1, max_length=300, description="what was said")


def search(use: Use, asked: Search) -> str:
    hits = finding.find(use.person, Wanted(storable(asked.words)), limit=SHOWN + 1)
    # The conversation itself is in the window already.
    others = [hit for hit in hits if hit.conversation.pk != use.conversation.pk][:SHOWN]
    said = {
        entry.pk: entry.text
        for entry in SearchEntry.objects.filter(
            owner=use.person, pk__in=[h.message for h in others]
        )
    }
    for hit in others:
        # The line has the conversation's title too.
        use.quoted.update(filter(None, (hit.message, hit.conversation.pk)))
    lines = [_line(use, hit, said.get(hit.message, "")) for hit in others]
    return "\n".join(lines) or "Nothing was found."


def _line(use: Use, hit: Hit, said: str) -> str:
    excerpt = "".join(segment.text for segment in hit.excerpt)
    words = " ".join(said.split()) if len(said) <= WHOLE_CHARACTERS else f"… {excerpt} …"
    who = {"user": "the person", "assistant": "the assistant"}.get(hit.role, "title")
    where = hit.conversation.title or "a conversation"
    return f"- {said_to(use.person, hit.at)}, in “{where}”, {who}: {words}"


SEARCH = Builtin(
    "search_history",
    "Finds what was said in earlier conversations with this person.",
    Search,
    search,
    knows=True,
)
