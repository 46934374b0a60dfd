"""The policy's own tokenizer and chat template, without transformers.

The engine is sent token ids, so that what is counted, served, logged and trained on are the same
tokens. The template is a program that came with the model: it runs in Jinja's sandbox, with the
same options and functions that transformers gives it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from inference.chat_wire import arguments_of, offered
from inference.contracts import ChatMessage, ToolSpec
from inference.errors import TemplateRefused
from inference.profiles import Pictures, pictures_of, profile_of

ZERO_WIDTH_SPACE = "\u200b"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class ChatTokenizer:
    """Text to token ids and back. Immutable, and safe to share between threads."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: str,
        special: dict[str, str],
        end_ids: frozenset[int],
        pictures: Pictures | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._template = _environment().from_string(template)
        self._special = special
        self._marks = _marks_of(tokenizer)
        self.end_ids = end_ids
        self._pictures = pictures

    @classmethod
    def from_folder(cls, path: str | Path) -> ChatTokenizer:
        """Read tokenizer.json, its configuration, and the template beside or inside it."""
        folder = Path(path)
        config = _read_json(folder / "tokenizer_config.json")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        special = {
            name: token if isinstance(token, str) else token["content"]
            for name in ("bos_token", "eos_token", "unk_token", "pad_token")
            if (token := config.get(name))
        }
        template, ends = _read_template(folder, config), _end_ids(folder)
        return cls(tokenizer, template, special, ends, pictures_of(folder))

    def encode(self, text: str) -> list[int]:
        """The ids of a text on its own; the template's marks are read as such, nothing is added."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has on its own."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each token begins and ends in the text; tokens of one character share its place."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids, without the template's marks."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def decode_whole(self, ids: Sequence[int]) -> str:
        """The text of some ids with the template's marks, which `encode` reads as such again."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def render(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSpec] = (),
        template: Mapping[str, Any] = NOTHING,
    ) -> str:
        """The prompt as text, ending where the assistant is to speak.

        A mark of the template that someone wrote into a message, such as `<|im_end|>`, would be
        read as the end of that message; a zero-width space makes it ordinary text. A picture is
        written as the model's processor writes it, so that the prompt has its true length.
        `template` is what the template is told besides.

        Raises:
            TemplateRefused: for example two messages of the same role, where a model forbids it.
        """
        try:
            text = self._template.render(
                messages=[self._turn(message) for message in messages],
                add_generation_prompt=True,
                tools=[offered(self.harmless_tool(tool)) for tool in tools] or None,
                **self._special,
                **template,
            )
        except jinja2.TemplateError as error:
            raise TemplateRefused(f"The model's chat template says: {error}") from error
        return self._with_pictures(text, messages)

    def prompt_ids(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSpec] = (),
        template: Mapping[str, Any] = NOTHING,
    ) -> list[int]:
        """The ids of the rendered prompt, as the engine is sent them or makes them itself."""
        return self.encode(self.render(messages, tools, template))

    def harmless(self, message: ChatMessage) -> ChatMessage:
        """The message with no mark of the template in it that the template did not write."""
        calls = tuple(
            replace(call, arguments=self._harmless(call.arguments)) for call in message.calls
        )
        return replace(
            message,
            content=self._harmless(message.content),
            reasoning=self._harmless(message.reasoning),
            calls=calls,
        )

    def harmless_tool(self, tool: ToolSpec) -> ToolSpec:
        """The same for what a tool says of itself, which a stranger's server may have written."""
        parameters = self._harmless(json.dumps(tool.parameters, ensure_ascii=False))
        return replace(
            tool,
            description=self._harmless(tool.description),
            parameters=json.loads(parameters),
        )

    def _turn(self, message: ChatMessage) -> dict[str, Any]:
        message = self.harmless(message)
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.images and self._pictures:
            text = [{"type": "text", "text": message.content}] if message.content else []
            turn["content"] = [{"type": "image"} for _ in message.images] + text
        if message.reasoning:
            turn["reasoning"] = turn["reasoning_content"] = message.reasoning
        if message.calls:
            turn["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": arguments_of(call)},
                }
                for call in message.calls
            ]
        if message.call_id:
            turn["tool_call_id"] = message.call_id
        return turn

    def _with_pictures(self, text: str, messages: Sequence[ChatMessage]) -> str:
        """Each picture's placeholder as long as the picture is."""
        if self._pictures is None:
            return text
        images = [image for message in messages for image in message.images]
        pieces = text.split(self._pictures.placeholder)
        if len(pieces) != len(images) + 1:
            return text
        shown = (self._pictures.text_of(image.width, image.height) for image in images)
        return pieces[0] + "".join(a + b for a, b in zip(shown, pieces[1:], strict=True))

    def _harmless(self, content: str) -> str:
        return self._marks.sub(lambda mark: mark[0][0] + ZERO_WIDTH_SPACE + mark[0][1:], content)


class _Generation(Extension):
    """The `generation` block of some templates, which marks what the assistant said."""

    tags = {"generation"}  # noqa: RUF012 (Jinja's own type)

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller: Any) -> Any:
        return caller()


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own filter escapes HTML, which is none here."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _read_template(folder: Path, config: dict[str, Any]) -> str:
    file = profile_of(folder).chat_template or folder / "chat_template.jinja"
    if file.exists():
        return file.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, str):
        return template
    raise TemplateRefused(f"{folder} has no chat template: it is not the folder of a chat model.")


def _marks_of(tokenizer: Tokenizer) -> re.Pattern[str]:
    """Whatever the tokenizer reads as one special token, longest first; nothing if it has none."""
    added = tokenizer.get_added_tokens_decoder().values()
    marks = sorted({token.content for token in added if token.special}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, marks)) or r"(?!)")


def _end_ids(folder: Path) -> frozenset[int]:
    """The tokens after which the engine stops."""
    for name in ("generation_config.json", "config.json"):
        ends = _read_json(folder / name).get("eos_token_id")
        if ends is not None:
            return frozenset(ends if isinstance(ends, list) else [ends])
    return frozenset()
