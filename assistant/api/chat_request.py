"""The body of `POST /v1/chat/completions`: what OpenAI's clients send, and what of it is taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from assistant.api.chat_messages import ChatMessageIn, Lenient, ToolIn
from assistant.api.errors import RequestInvalid
from assistant.texts import Text
from inference.contracts import ChatMessage
from inference.profiles import Abilities

STOPS = 4
TOOLS = 128
FORMS = ("text", "json_object", "json_schema")
SEED_LIMIT = 2**63
# Asked for with this value, these change nothing; with any other they would have to be honoured.
WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "functions": ([],),
}


class StreamOptions(Lenient):
    include_usage: bool = False


def _few(stops: str | list[str]) -> str | list[str]:
    if isinstance(stops, list) and len(stops) > STOPS:
        raise ValueError(f"at most {STOPS} stop sequences are taken")
    if "" in ([stops] if isinstance(stops, str) else stops):
        raise ValueError("a stop sequence can't be empty")
    return stops


class ChatRequest(Lenient):
    """OpenAI's fields, and `conversation`: the id of a stored conversation to go on with.

    With `conversation`, only the last message counts; what came before is the stored
    conversation's, under Memory Diffusion. Where a field is null, it counts as left out.
    """

    model: Text = Field(min_length=1, max_length=80)
    messages: list[ChatMessageIn] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: Annotated[str | list[str], AfterValidator(_few)] | None = None
    seed: int | None = Field(None, ge=-SEED_LIMIT, lt=SEED_LIMIT)
    ignore_eos: bool | None = Field(None, description="go on to max_tokens; for benchmarks")
    tools: list[ToolIn] | None = Field(None, max_length=TOOLS)
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    conversation: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_unsupported(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, harmless in WITHOUT_EFFECT.items():
                if values.get(name) not in (None, *harmless):
                    raise RequestInvalid(
                        f"{name}: only {harmless[0]!r} is supported.",
                        param=name,
                        code="unsupported_parameter",
                    )
        return values

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        form = (self.response_format or {}).get("type", "text")
        if form not in FORMS:
            raise RequestInvalid(
                f"response_format: its type is one of {', '.join(FORMS)}.", param="response_format"
            )
        if self.conversation is not None and self.tools:
            raise RequestInvalid(
                "tools: a stored conversation has its person's own; leave one of the two out.",
                param="tools",
            )
        return self

    @property
    def chat(self) -> list[ChatMessage]:
        return [message.as_chat for message in self.messages]

    @property
    def pictures(self) -> list[list[bytes]]:
        """Those of each message."""
        return [message.pictures for message in self.messages]

    def asked(self, can: Abilities) -> dict[str, Any]:
        """As `Generation.asked`.

        Raises:
            RequestInvalid: the model can't do that.
        """
        asked: dict[str, Any] = {}
        if self.tools:
            if not can.tools:
                raise RequestInvalid("tools: this model calls none.", param="tools")
            asked["tools"] = [tool.function.model_dump() for tool in self.tools]
            asked["tool_choice"] = self.tool_choice or "auto"
        if self.response_format and self.response_format.get("type") != "text":
            asked["response_format"] = self.response_format
        if self.reasoning_effort and can.can_switch_reasoning:
            thinks = self.reasoning_effort != "none"
            asked["template"] = dict.fromkeys(can.template, thinks)
        return asked

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def sampling(self) -> dict[str, Any]:
        """Only what was asked for; the worker fills in the rest."""
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_completion_tokens or self.max_tokens,
            "seed": self.seed,
            "stop": [self.stop] if isinstance(self.stop, str) else self.stop,
            "ignore_eos": self.ignore_eos,
        }
        return {name: value for name, value in given.items() if value is not None}
