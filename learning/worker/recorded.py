"""Tools as they answered people: what an update's policy is told when it calls one.

An update acts on nobody's behalf, so it runs no tools. A call that was logged is answered as it was
then; one that can be seen to be wrong is told so, as it would be by Danas; of any other nobody
knows what would have come of it, and the answer is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from inference.contracts import Call, ChatMessage, Sample
from inference.diffusion.prompt import TOOL
from inference.diffusion.window import ASSISTANT
from inference.tokenizer import ChatTokenizer
from learning.models import Answer
from learning.policy.episodes import Unknown
from learning.policy.pictures import SeenPrompt
from learning.policy.trainer import TokenIds

Key = tuple[str, str]


@dataclass(frozen=True)
class RecordedTools:
    """An `Environment` of `learning.policy.episodes`. `results` are by tool and arguments."""

    tokenizer: ChatTokenizer
    results: Mapping[Key, str]

    def go_on(self, prompt: TokenIds, sample: Sample) -> TokenIds | None:
        if not sample.calls or not isinstance(prompt, SeenPrompt):
            return None
        chat = prompt.chat
        names = {tool.name for tool in chat.tools}
        said = ChatMessage(ASSISTANT, sample.text, (), sample.reasoning, sample.calls)
        told = [
            ChatMessage(TOOL, self._result(call, names), call_id=call.id) for call in sample.calls
        ]
        messages = (*chat.messages, *map(self.tokenizer.harmless, [said, *told]))
        ids = self.tokenizer.prompt_ids(messages, chat.tools, chat.template)
        return SeenPrompt(ids, replace(chat, messages=messages))

    def _result(self, call: Call, names: set[str]) -> str:
        if call.name not in names:
            return f"Error: There is no tool “{call.name}”. There are: {', '.join(sorted(names))}."
        key = key_of(call)
        if key is None:
            return "Error: The arguments are no JSON object."
        if key not in self.results:
            raise Unknown
        return self.results[key]


def key_of(call: Call) -> Key | None:
    """The same for calls that mean the same; None for arguments that are no JSON object."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        return None
    if not isinstance(arguments, dict):
        return None
    return call.name, json.dumps(arguments, sort_keys=True)


def results_in(answers: Iterable[Answer]) -> dict[Key, str]:
    """What tools said in these answers; the later ones count."""
    found: dict[Key, str] = {}
    for answer in answers:
        calls: dict[str, Call] = {}
        for said in (answer.chat or {}).get("messages", ()):
            message = ChatMessage.from_json(said)
            calls.update({call.id: call for call in message.calls})
            call = calls.get(message.call_id)
            if message.role == TOOL and call is not None and (key := key_of(call)):
                found[key] = message.content
    return found
