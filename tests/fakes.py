"""A scripted engine: a small real HTTP server that speaks as much of vLLM as Danas uses.

    async with ScriptedEngine(["Hello there.", Answer("Slow.", pace_s=0.5)]) as engine:
        client = EngineClient([engine.url], engine.key)
        ...
        assert engine.prompts[0] == [1, 2, 3]

Answers are played in order, and the last one again and again. A token is a word with the space
before it; `tokens_of` says which ids and log-probabilities a text is sent with. Everything that was
asked is in `engine.requests`. tests/inference/test_engine_contract.py holds it against a real vLLM.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests import fake_chat

VOCABULARY = 49_152


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine is to say, how fast, and what goes wrong meanwhile."""

    text: str = "Hello there."
    pace_s: float = 0.0
    first_token_s: float = 0.0
    finish_reason: str = "stop"
    # Only told apart where a chat is asked for: thought before the text, and calls after it, as
    # name and arguments.
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    # The connection breaks after so many tokens; 0 is before the first, after the headers.
    dies_after: int | None = None
    # The engine reports an error in the stream after so many tokens.
    fails_after: int | None = None
    # The request is refused with these words and this status.
    refused: str | None = None
    status: int = 400


@dataclass(slots=True)
class Request:
    """One request that the engine was sent, and how far its answer got."""

    method: str
    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    tokens_sent: int = 0
    # The client closed the connection before the answer was complete.
    aborted: bool = False
    finished: bool = False

    @property
    def prompt(self) -> list[int]:
        if "messages" in self.body:
            return fake_chat.prompt_of(self.body)
        return list(self.body.get("prompt", []))

    @property
    def is_chat(self) -> bool:
        return "messages" in self.body

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    id: int
    logprob: float
    # What a chat's stream says with it in place of text.
    reasoning: str = ""
    call: dict[str, Any] | None = None


END = Token("", 2, -0.05)


def tokens_of(text: str) -> list[Token]:
    """The tokens that the scripted engine sends a text as: words, and an end mark without text."""
    words = re.findall(r"\s*\S+|\s+$", text)
    return [*(_token(word) for word in words), END]


def _token(word: str) -> Token:
    number = zlib.crc32(word.encode())
    return Token(word, 3 + number % (VOCABULARY - 3), -(number % 97) / 100)


def score_of(token: int) -> float:
    """The log-probability that the scripted engine gives a token of a prompt, after whatever."""
    return -1 - (token % 13) / 10


@dataclass
class ScriptedEngine:
    """See the module. Use it as an asynchronous context manager."""

    answers: Iterable[Answer | str] = ("Hello there.",)
    key: str = "scripted"
    context: int = 8192
    served_name: str = "base"
    # What a single model says in place of `answers`, again and again.
    says: dict[str, Answer] = field(default_factory=dict)
    # Adapters that can be loaded; None takes any path.
    loadable: set[str] | None = None
    adapters: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    # What it tells Prometheus; None: it has no such address.
    metrics: str | None = None
    # Words that it finds likely everywhere in a prompt, with their log-probabilities.
    likeliest: dict[int, float] = field(default_factory=dict)
    _runner: web.AppRunner | None = None
    _open: set[asyncio.Transport] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._script = [_answer(answer) for answer in self.answers]
        self._played = 0

    async def __aenter__(self) -> ScriptedEngine:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def completions(self) -> list[Request]:
        """The requests for answers, without those for adapters, models and health."""
        paths = ("/v1/completions", "/v1/chat/completions")
        return [request for request in self.requests if request.path in paths]

    @property
    def prompts(self) -> list[list[int]]:
        return [request.prompt for request in self.completions]

    def play(self, *answers: Answer | str) -> None:
        """Say these from now on."""
        self._script, self._played = [_answer(answer) for answer in answers], 0

    async def start(self) -> None:
        """Listen, on the port it had before if there was one."""
        app = web.Application(client_max_size=1 << 26)
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
                web.get("/v1/models", self._models),
                web.post("/v1/completions", self._completions),
                web.post("/v1/chat/completions", self._completions),
                web.post("/v1/load_lora_adapter", self._load),
                web.post("/v1/unload_lora_adapter", self._unload),
            ]
        )
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def die(self) -> None:
        """Break every connection, stop listening and lose the adapters, as when it is killed."""
        if self._runner is None:
            return
        for connection in list(self._open):
            connection.abort()
        await self._runner.cleanup()
        self._runner = None
        self.adapters.clear()

    async def restart(self) -> None:
        await self.die()
        await self.start()

    def _next(self) -> Answer:
        answer = self._script[min(self._played, len(self._script) - 1)]
        self._played += 1
        return answer

    async def _record(self, request: web.Request) -> Request:
        body = await request.json() if request.can_read_body else {}
        recorded = Request(request.method, request.path, body, request.headers)
        self.requests.append(recorded)
        return recorded

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        return None

    async def _health(self, request: web.Request) -> web.Response:
        await self._record(request)
        return web.Response()

    async def _metrics(self, request: web.Request) -> web.Response:
        await self._record(request)
        return web.Response(status=404) if self.metrics is None else web.Response(text=self.metrics)

    async def _models(self, request: web.Request) -> web.Response:
        await self._record(request)
        names = [self.served_name, *self.adapters]
        return self._refusal(request) or web.json_response(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
        )

    async def _load(self, request: web.Request) -> web.Response:
        body = (await self._record(request)).body
        name, path = body["lora_name"], body["lora_path"]
        if refusal := self._refusal(request):
            return refusal
        if name in self.adapters:
            return _error(400, f"The lora adapter '{name}' has already been loaded.")
        if self.loadable is not None and path not in self.loadable:
            return _error(404, f"Loading lora {name} failed: No adapter found for {path}")
        self.adapters[name] = path
        return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: web.Request) -> web.Response:
        name = (await self._record(request)).body["lora_name"]
        if refusal := self._refusal(request):
            return refusal
        if self.adapters.pop(name, None) is None:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        recorded = await self._record(request)
        if refusal := self._refusal(request) or self._mistake(recorded):
            return refusal
        if "prompt_logprobs" in recorded.body:
            return web.json_response(_scored(recorded, self.likeliest))
        answer = self.says.get(recorded.model) or self._next()
        if answer.refused is not None:
            return _error(answer.status, answer.refused)
        try:
            if recorded.body.get("stream"):
                return await self._stream(request, recorded, answer)
            return await self._whole(recorded, answer)
        except (asyncio.CancelledError, ConnectionError):
            recorded.aborted = not recorded.finished
            raise

    def _mistake(self, recorded: Request) -> web.Response | None:
        """What vLLM refuses before it starts to work."""
        if recorded.model != self.served_name and recorded.model not in self.adapters:
            return _error(404, f"The model `{recorded.model}` does not exist.", "NotFoundError")
        if len(recorded.prompt) >= self.context:
            return _error(
                400,
                f"This model's maximum context length is {self.context} tokens."
                f" However, your prompt has {len(recorded.prompt)}.",
            )
        return None

    def _most(self, recorded: Request) -> int:
        """How many tokens an answer may have: as were asked for, or as there is room for."""
        return min(recorded.body.get("max_tokens", 16), self.context - len(recorded.prompt))

    async def _whole(self, recorded: Request, answer: Answer) -> web.Response:
        answers = [answer, *(self._next() for _ in range(recorded.body.get("n", 1) - 1))]
        most = self._most(recorded)
        choices = []
        for index, each in enumerate(answers):
            tokens, reason = _cut(each, most)
            await asyncio.sleep(each.first_token_s + each.pace_s * len(tokens))
            whole = fake_chat.whole_choice if recorded.is_chat else _choice
            choices.append(whole(tokens, reason, index))
            recorded.tokens_sent += len(tokens)
        recorded.finished = True
        document = _document(recorded, choices)
        if recorded.is_chat:
            document["prompt_token_ids"] = recorded.prompt
        return web.json_response(document)

    async def _stream(
        self, request: web.Request, recorded: Request, answer: Answer
    ) -> web.StreamResponse:
        connection = request.transport
        assert connection is not None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._open.add(connection)
        try:
            if await self._play(response, recorded, answer):
                await response.write(b"data: [DONE]\n\n")
            else:
                connection.abort()
        finally:
            self._open.discard(connection)
        return response

    async def _play(self, response: web.StreamResponse, recorded: Request, answer: Answer) -> bool:
        """Send the tokens; says whether the connection is to end as it should."""
        tokens, reason = _cut(answer, self._most(recorded))
        await asyncio.sleep(answer.first_token_s)
        if recorded.is_chat:
            await _send(response, fake_chat.opening(recorded.prompt))
        piece = fake_chat.stream_choice if recorded.is_chat else _choice
        for index, token in enumerate(tokens):
            if answer.dies_after == index:
                return False
            if answer.fails_after == index:
                error = {"message": "EngineCore encountered an issue.", "code": 500}
                await _send(response, {"error": error})
                return True
            is_last = index == len(tokens) - 1
            choice = piece([token], reason if is_last else None)
            await _send(response, _document(recorded, [choice]))
            recorded.tokens_sent += 1
            await asyncio.sleep(0 if is_last else answer.pace_s)
        recorded.finished = True
        return True


def _answer(answer: Answer | str) -> Answer:
    return Answer(answer) if isinstance(answer, str) else answer


def _cut(answer: Answer, most: int) -> tuple[list[Token], str]:
    """The tokens of an answer, at most so many."""
    tokens = [*fake_chat.thought(answer.reasoning, tokens_of), *tokens_of(answer.text)]
    tokens[-1:-1] = fake_chat.called(answer.calls, Token)
    if answer.finish_reason == "length":
        tokens = tokens[:-1]
    return (
        (tokens[:most], "length")
        if len(tokens) > most
        else (
            tokens,
            "tool_calls" if answer.calls else answer.finish_reason,
        )
    )


def _choice(tokens: Sequence[Token], reason: str | None, index: int = 0) -> dict[str, Any]:
    names = [f"token_id:{token.id}" for token in tokens]
    logprobs = [token.logprob for token in tokens]
    return {
        "index": index,
        "text": "".join(token.text for token in tokens),
        "logprobs": {
            "tokens": names,
            "token_logprobs": logprobs,
            "top_logprobs": [{n: p} for n, p in zip(names, logprobs, strict=True)],
            "text_offset": [0] * len(names),
        },
        "finish_reason": reason,
        "stop_reason": None,
        "token_ids": [token.id for token in tokens],
    }


def _scored(recorded: Request, likeliest: dict[int, float]) -> dict[str, Any]:
    """An answer of one token with what the engine thinks of the prompt's."""
    others = {
        str(token): {"logprob": logprob, "rank": 1 + rank, "decoded_token": ""}
        for rank, (token, logprob) in enumerate(likeliest.items())
        if rank < recorded.body["prompt_logprobs"]
    }
    scores = [None] + [
        {str(token): {"logprob": score_of(token), "rank": 1, "decoded_token": ""}, **others}
        for token in recorded.prompt[1:]
    ]
    recorded.finished = True
    return _document(recorded, [{**_choice([END], "length"), "prompt_logprobs": scores}])


def _document(recorded: Request, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "text_completion", "model": recorded.model, "choices": choices}


def _error(status: int, message: str, kind: str = "BadRequestError") -> web.Response:
    error = {"message": message, "type": kind, "param": None, "code": status}
    return web.json_response({"error": error}, status=status)


async def _send(response: web.StreamResponse, document: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(document).encode() + b"\n\n")
