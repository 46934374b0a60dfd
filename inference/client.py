"""The HTTP client of vLLM: answers as streams of token ids with their log-probabilities.

An engine is known by its address; there may be several with the same base model. A request goes to
the address with the fewest requests of ours in flight, and to the next one while nothing was
received yet. A whole stream costs one request and one small JSON document per chunk, which is
parsed here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from inference import chat_wire
from inference.contracts import BASE_NAME, Chat, FinishReason, Policy, Sample, Sampling, TokenDelta
from inference.errors import (
    EngineInterrupted,
    EngineRefused,
    EngineUnavailable,
    InferenceError,
    PolicyNotLoaded,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

CONNECT_TIMEOUT_S = 5.0
# Between two chunks: prefill of a full window on a slow machine with a full batch before it.
SILENCE_TIMEOUT_S = 300.0
HEALTH_TIMEOUT_S = 3.0
# Failures of one address that another one may not have.
ELSEWHERE = (EngineUnavailable, EngineInterrupted, PolicyNotLoaded)
# When many answers are made at once each comes slowly; chunks of a few tokens then come often
# enough to read along and cost both sides a fraction. The first token always comes at once.
MOST_TOKENS_A_CHUNK = 4
ANSWERS_A_TOKEN = 8
# Adapters of an update's steps; the learner unloads them itself.
TRAINING_PREFIX = "training-"
# Of a place's words, those whose log-probabilities are asked for where a word is to be judged.
LIKELIEST = 5
COMPLETIONS = "/v1/completions"
CHAT = "/v1/chat/completions"
DATA = b"data: "
DONE = b"[DONE]"


class EngineClient:
    """Talks to one or more vLLM servers. Belongs to one event loop; close it when done."""

    def __init__(self, addresses: Iterable[str], key: str = "") -> None:
        self.addresses = tuple(address.rstrip("/") for address in addresses)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._in_flight: Counter[str] = Counter()
        self._used_at: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> EngineClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def stream(
        self, prompt_ids: Sequence[int], sampling: Sampling, policy: Policy, request_id: str = ""
    ) -> AsyncGenerator[TokenDelta, None]:
        """Sample one answer, piece by piece. Closing the generator stops the engine's work on it.

        Raises:
            EngineUnavailable: no address took the request.
            EngineInterrupted: the engine went away or failed after it had taken the request.
            EngineRefused: the request is wrong, for example longer than the engine's context.
            PolicyNotLoaded: the engine does not have this adapter.
        """
        body = _completion(prompt_ids, sampling, policy)
        return self._stream(COMPLETIONS, body, policy, request_id, _deltas_of)

    def chat(
        self, chat: Chat, sampling: Sampling, policy: Policy, request_id: str = ""
    ) -> AsyncGenerator[TokenDelta, None]:
        """Sample one answer to a request that the engine puts into tokens, piece by piece.

        The first delta holds the prompt's token ids.

        Raises: as `stream`.
        """
        body = _sampled(sampling, policy) | chat_wire.request(chat)
        return self._stream(CHAT, body, policy, request_id, chat_wire.Reader().read)

    async def _stream(
        self,
        path: str,
        body: dict[str, Any],
        policy: Policy,
        request_id: str,
        read: Callable[[dict[str, Any]], Iterable[TokenDelta]],
    ) -> AsyncGenerator[TokenDelta, None]:
        body = {**body, "stream": True}
        if (interval := _tokens_a_chunk(self._in_flight.total())) > 1:
            body["stream_interval"] = interval
        failures: list[InferenceError] = []
        for address in self._least_busy_first():
            has_begun = False
            try:
                async with self._ask(address, path, body, policy, request_id) as response:
                    async for delta in _deltas(response, read):
                        has_begun = True
                        yield delta
                return
            except ELSEWHERE as failure:
                if has_begun:
                    raise
                failures.append(failure)
        raise _worst(failures)

    async def sample(
        self, prompt_ids: Sequence[int], sampling: Sampling, policy: Policy, n: int = 1
    ) -> list[Sample]:
        """Sample `n` whole answers to one prompt, which is read by the engine only once.

        Raises: as `stream`.
        """
        document = await self._complete(
            {**_completion(prompt_ids, sampling, policy), "n": n}, policy
        )
        return [_sample(choice) for choice in _in_order(document)]

    async def sample_chat(
        self, chat: Chat, sampling: Sampling, policy: Policy, n: int = 1
    ) -> tuple[tuple[int, ...], list[Sample]]:
        """`n` whole answers to a request that the engine puts into tokens, after its token ids.

        Raises: as `stream`.
        """
        body = _sampled(sampling, policy) | chat_wire.request(chat) | {"n": n}
        document = await self._complete(body, policy, CHAT)
        answers = [chat_wire.sample(choice) for choice in _in_order(document)]
        return tuple(document["prompt_token_ids"]), answers

    async def score(self, token_ids: Sequence[int], policy: Policy) -> list[float]:
        """The log-probability of each token after the first, given those before it.

        Under the model's own distribution: temperature 1, nothing cut off. The engine generates
        one token more, which is thrown away, since it can't be asked for none.

        Raises: as `stream`.
        """
        sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=1)
        body = {**_completion(token_ids, sampling, policy), "prompt_logprobs": 0}
        document = await self._complete(body, policy)
        scores = document["choices"][0]["prompt_logprobs"]
        return [
            float(score[str(token)]["logprob"])
            for token, score in zip(token_ids[1:], scores[1:], strict=True)
        ]

    async def judge(
        self, token_ids: Sequence[int], places: Sequence[int], yes: int, no: int, policy: Policy
    ) -> list[float]:
        """The log-odds of token `yes` against `no` after each of these places, but the last token.

        A word that is not among the likeliest `LIKELIEST` counts as the least likely of them.

        Raises: as `stream`.
        """
        sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=1)
        body = {**_completion(token_ids, sampling, policy), "prompt_logprobs": LIKELIEST}
        document = await self._complete(body, policy)
        after = [document["choices"][0]["prompt_logprobs"][place + 1] for place in places]
        return [_log_odds(likeliest, str(yes), str(no)) for likeliest in after]

    async def load(self, policy: Policy) -> None:
        """Load an adapter on every address that does not have it yet.

        A name stands for the same weights for ever: an engine that has the name has the policy.

        Raises:
            EngineUnavailable: some address is down, or cannot reach the storage; those that are
                up have loaded it.
            EngineRefused: the engine cannot read the adapter, or its digest is another.
        """
        if policy.path is not None:
            await self._on_all(lambda address: self._load(address, policy))

    async def unload(self, policy: Policy) -> None:
        """Drop an adapter everywhere; one that is not loaded is none to drop."""
        if policy.path is not None:
            await self._on_all(lambda address: self._unload(address, policy.name))
            self._used_at.pop(policy.name, None)

    async def make_room(self, keep: Collection[str], cap: int) -> list[str]:
        """Unload adapters where an engine has more than `cap`, the least recently used first.

        Used by this client, that is; those that it never used go first, the first loaded before
        the others. Neither those in `keep` nor one in training is touched, so more than `cap` may
        stay.

        Returns:
            The names that were unloaded somewhere.

        Raises:
            EngineUnavailable: some address is down; the others have made room.
        """
        dropped: set[str] = set()

        async def drop(address: str) -> None:
            names = [name for name in await self._models(address) if name != BASE_NAME]
            free = [n for n in names if n not in keep and not n.startswith(TRAINING_PREFIX)]
            free.sort(key=lambda name: self._used_at.get(name, 0.0))
            for name in free[: max(0, len(names) - cap)]:
                await self._unload(address, name)
                dropped.add(name)

        await self._on_all(drop)
        return sorted(dropped)

    async def loaded(self, address: str) -> set[str]:
        """The names served at one address, the base included."""
        return set(await self._models(address))

    async def _models(self, address: str) -> list[str]:
        """The base, then the adapters in the order in which they were loaded."""
        async with self._request("GET", address, "/v1/models") as response:
            await _check(response)
            document = await _whole(response)
        return [model["id"] for model in document["data"]]

    async def metrics(self, address: str) -> str:
        """What one address tells Prometheus; empty where it tells nothing.

        Raises:
            EngineUnavailable: it is down.
        """
        async with self._request("GET", address, "/metrics") as response:
            return await response.text() if response.status == 200 else ""

    async def is_up(self) -> dict[str, bool]:
        """For each address, whether its engine says that it is healthy."""
        answers = await asyncio.gather(*map(self._is_up, self.addresses))
        return dict(zip(self.addresses, answers, strict=True))

    async def _is_up(self, address: str) -> bool:
        try:
            async with (
                asyncio.timeout(HEALTH_TIMEOUT_S),
                self._request("GET", address, "/health") as response,
            ):
                return response.status == 200
        except (InferenceError, TimeoutError):
            return False

    async def _load(self, address: str, policy: Policy) -> None:
        if policy.name in await self.loaded(address):
            return
        # The digest is for the engine's own fetching, which compares it (`engine.fetching`).
        body = {"lora_name": policy.name, "lora_path": policy.path, "digest": policy.digest}
        async with self._request("POST", address, "/v1/load_lora_adapter", json=body) as response:
            words = await response.text()
            status = response.status
        # Another process may have loaded it meanwhile, which the engine reports as an error.
        if status >= 400 and policy.name not in await self.loaded(address):
            kind = EngineUnavailable if status == 503 else EngineRefused
            raise kind(f"{policy.name} could not be loaded: {_words(words)}")

    async def _unload(self, address: str, name: str) -> None:
        body = {"lora_name": name}
        async with self._request("POST", address, "/v1/unload_lora_adapter", json=body) as response:
            if response.status != 404:
                await _check(response)

    async def _on_all(self, act: Callable[[str], Awaitable[None]]) -> None:
        """Act on every address, the healthy ones too when one fails; then raise what failed."""
        results = await asyncio.gather(*map(act, self.addresses), return_exceptions=True)
        for failure in filter(None, results):
            raise failure

    async def _complete(
        self, body: dict[str, Any], policy: Policy, path: str = COMPLETIONS
    ) -> dict[str, Any]:
        """The whole answer to one request, from the first address that gives it."""
        failures: list[InferenceError] = []
        for address in self._least_busy_first():
            try:
                async with self._ask(address, path, body, policy) as response:
                    return await _whole(response)
            except ELSEWHERE as failure:
                failures.append(failure)
        raise _worst(failures)

    def _least_busy_first(self) -> list[str]:
        return sorted(self.addresses, key=lambda address: self._in_flight[address])

    @asynccontextmanager
    async def _ask(
        self, address: str, path: str, body: dict[str, Any], policy: Policy, request_id: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response to a request for an answer, its status good."""
        headers = {"X-Request-Id": request_id} if request_id else {}
        self._in_flight[address] += 1
        self._used_at[body["model"]] = time.monotonic()
        try:
            async with self._request("POST", address, path, json=body, headers=headers) as response:
                await _check(response, policy)
                yield response
        finally:
            self._in_flight[address] -= 1

    @asynccontextmanager
    async def _request(
        self, method: str, address: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request. What breaks before the headers is EngineUnavailable, later it is not."""
        answered = False
        try:
            async with self._http().request(method, address + path, **options) as response:
                answered = True
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            if answered:
                raise EngineInterrupted(f"The engine at {address} went away: {error}") from error
            raise EngineUnavailable(f"No engine answers at {address}: {error}") from error

    def _http(self) -> aiohttp.ClientSession:
        """The session, made on first use since it belongs to the running event loop."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S
                ),
            )
        return self._session


def _log_odds(likeliest: dict[str, dict[str, Any]], yes: str, no: str) -> float:
    """From a place's words with their log-probabilities, the one that stands there among them."""
    logprobs = {word: float(entry["logprob"]) for word, entry in likeliest.items()}
    ranked = [float(entry["logprob"]) for entry in likeliest.values() if entry["rank"] <= LIKELIEST]
    least = min(ranked)
    return logprobs.get(yes, least) - logprobs.get(no, least)


def _tokens_a_chunk(in_flight: int) -> int:
    return min(MOST_TOKENS_A_CHUNK, 1 + in_flight // ANSWERS_A_TOKEN)


def _completion(prompt_ids: Sequence[int], sampling: Sampling, policy: Policy) -> dict[str, Any]:
    return _sampled(sampling, policy) | {
        "prompt": list(prompt_ids),
        "add_special_tokens": False,
        # 0 is "of the sampled token alone"; as ids, so that the engine decodes no token twice.
        "logprobs": 0,
        "return_tokens_as_token_ids": True,
        "return_token_ids": True,
    }


def _sampled(sampling: Sampling, policy: Policy) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": policy.name,
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.ignore_eos:
        body["ignore_eos"] = True
    return body


def _in_order(document: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(document["choices"], key=lambda choice: int(choice["index"]))


def _worst(failures: Sequence[InferenceError]) -> InferenceError:
    """What to tell of several failures: a policy that can be loaded is the one to act on."""
    if not failures:
        return EngineUnavailable("There is no engine address.")
    return next((each for each in failures if isinstance(each, PolicyNotLoaded)), failures[-1])


async def _deltas(
    response: aiohttp.ClientResponse, read: Callable[[dict[str, Any]], Iterable[TokenDelta]]
) -> AsyncIterator[TokenDelta]:
    is_finished = False
    async for document in _documents(response):
        for delta in read(document):
            is_finished = is_finished or delta.finish_reason is not None
            yield delta
    if not is_finished:
        raise EngineInterrupted("The engine closed the stream in mid-answer.")


def _deltas_of(document: dict[str, Any]) -> list[TokenDelta]:
    return [_delta(choice) for choice in document["choices"]]


async def _documents(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The JSON documents of a server-sent event stream, up to its end mark."""
    async for line in response.content:
        if not line.startswith(DATA):
            continue
        data = line[len(DATA) :].strip()
        if data == DONE:
            return
        document = json.loads(data)
        if "error" in document:
            raise EngineInterrupted(f"The engine failed in mid-answer: {_words(data.decode())}")
        yield document


async def _whole(response: aiohttp.ClientResponse) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(await response.read())
    return document


def _delta(choice: dict[str, Any]) -> TokenDelta:
    reason = choice["finish_reason"]
    return TokenDelta(
        choice["text"],
        tuple(choice["token_ids"]),
        tuple(choice["logprobs"]["token_logprobs"]),
        None if reason is None else FinishReason(reason),
    )


def _sample(choice: dict[str, Any]) -> Sample:
    delta = _delta(choice)
    if delta.finish_reason is None:
        raise EngineInterrupted("The engine ended an answer without saying why.")
    return Sample(delta.text, delta.token_ids, delta.logprobs, delta.finish_reason)


async def _check(response: aiohttp.ClientResponse, policy: Policy | None = None) -> None:
    """Turn a bad status into our own errors, with the engine's words."""
    if response.status < 400:
        return
    words = _words(await response.text())
    if response.status == 404 and policy is not None and policy.name != BASE_NAME:
        raise PolicyNotLoaded(f"The engine does not have {policy.name}.")
    if response.status >= 500:
        raise EngineUnavailable(f"The engine failed: {words}")
    raise EngineRefused(words)


def _words(body: str) -> str:
    """What the engine says in an error body, in whichever of its shapes."""
    try:
        document = json.loads(body)
    except ValueError:
        return body.strip()[:500] or "no reason given"
    error = document.get("error", document) if isinstance(document, dict) else document
    return str(error.get("message", error) if isinstance(error, dict) else error)
