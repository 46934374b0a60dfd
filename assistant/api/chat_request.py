"""The body of `POST /v1/chat/completions`: what OpenAI's clients send, and what of it is taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from assistant.api.errors import RequestInvalid
from assistant.errors import ModelTextOnly
from assistant.texts import Text
from inference.contracts import ChatMessage

STOPS = 4
SEED_LIMIT = 2**63
# Asked for with this value, these change nothing; with any other they would have to be honoured.
WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "functions": ([],),
    "response_format": ({"type": "text"},),
}


class Lenient(BaseModel):
    """Unknown fields are ignored, as OpenAI's own API ignores a client's extras."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ContentPart(Lenient):
    """Text is read; the other types are known, so that the refusal can say what they are."""

    type: Literal["text", "image_url", "input_audio", "file"]
    text: Text | None = None


class ChatMessageIn(Lenient):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        if any(part.type != "text" for part in self.content):
            raise ModelTextOnly("This model reads text only; send the message without the rest.")
        return "\n".join(part.text or "" for part in self.content)

    @property
    def as_chat(self) -> ChatMessage:
        return ChatMessage("system" if self.role == "developer" else self.role, self.text)


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

    @property
    def chat(self) -> list[ChatMessage]:
        return [message.as_chat for message in self.messages]

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
