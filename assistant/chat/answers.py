"""The database side of making an answer: claim it, build its prompt, end it.

All functions are synchronous; the generation worker calls them off its event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from assistant import rates
from assistant.chat import chats, events
from assistant.chat.events import INTERRUPTED, LogEvent
from assistant.chat.journal import Draft
from assistant.chat.outcome import Outcome, error_data
from assistant.feedback import experiences
from assistant.library import titles
from assistant.memory import window as memory
from assistant.memory.window import Prepared
from assistant.models import Generation, ToolCall, Trajectory
from inference import registry, routing
from inference.contracts import Chat, ChatMessage, Policy, Sampling
from inference.errors import InferenceError, MessageTooLong
from inference.tokenizer import ChatTokenizer
from learning import canary


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed answer and all that is needed to make it.

    `chat` is what the engine is asked where it has to put the request into tokens itself, null
    where it is sent the ids; `prompt_token_ids` are what those come to by our own count. `window`
    is null for API requests that bring their own history. `trial` is the version that is being
    tried out, where this answer belongs to the comparison.
    """

    generation: Generation
    prompt_token_ids: tuple[int, ...]
    policy: Policy
    window: Prepared | None
    shown: tuple[ChatMessage, ...]
    chat: Chat | None = None
    trial: str = ""

    @property
    def answer(self) -> UUID:
        return self.generation.message_id

    @property
    def runs_tools(self) -> bool:
        """Whether tools are run here; those of an API request are the caller's to run."""
        return bool(self.generation.asked.get("uses_tools"))

    def sampling(self, prompt_tokens: int) -> Sampling:
        """What was asked for over the defaults, the length cut to what the engine can hold."""
        asked = self.generation.sampling
        room = max(1, settings.WINDOW_TOKENS + settings.ANSWER_TOKENS - prompt_tokens)
        return Sampling(
            temperature=asked.get("temperature", settings.TEMPERATURE),
            top_p=asked.get("top_p", settings.TOP_P),
            max_tokens=min(asked.get("max_tokens", settings.ANSWER_TOKENS), room),
            seed=asked.get("seed"),
            stop=tuple(asked.get("stop", ())),
            ignore_eos=asked.get("ignore_eos", False),
        )

    @property
    def start(self) -> dict[str, Any]:
        """The data of the event `start`."""
        return {
            "policy": self.policy.name,
            "window_tokens": len(self.prompt_token_ids),
            "window_limit": settings.WINDOW_TOKENS,
        }


def waiting(most: int) -> list[UUID]:
    """Answers that no worker has taken, the oldest first."""
    rows = Generation.objects.filter(status=Generation.Status.QUEUED).order_by("created_at")
    return list(rows.values_list("pk", flat=True)[:most])


def is_to_stop(answer: UUID) -> bool:
    return Generation.objects.filter(pk=answer, stop_requested=True).exists()


def claim(answer: UUID, worker: str, tokenizer: ChatTokenizer) -> Job | None:
    """Take `answer` for `worker` and build its prompt; None when another worker has it.

    Raises:
        InferenceError: no prompt can be made of it; the claim stands, `refuse` ends it.
    """
    queued = Generation.objects.filter(pk=answer, status=Generation.Status.QUEUED)
    generation = queued.select_related("message__conversation__owner", "message__parent").first()
    if generation is None:
        return None
    policy, trial, refusal = _route(generation.message.conversation.owner_id, generation.model)
    now = timezone.now()
    generation.worker, generation.started_at = worker, now
    with transaction.atomic():
        # A claim that a crash of the database loses is made again, so the disk is not waited for.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")
        is_mine = queued.update(
            status=Generation.Status.RUNNING,
            worker=worker,
            started_at=now,
            heartbeat_at=now,
            policy=policy.name,
            digest=policy.digest,
        )
    if not is_mine:
        return None
    if refusal is not None:
        raise refusal
    asked = chats.asked(generation)
    window = None
    if generation.chat is not None:
        shown = [ChatMessage.from_json(message) for message in generation.chat]
        prompt = tokenizer.prompt_ids(shown, asked.tools, asked.template)
        _check_fits(prompt)
    else:
        window = memory.prepare(generation.message, tokenizer, asked.tokens(tokenizer))
        shown, prompt = window.messages, list(window.prompt_ids)
        if asked.is_chat:
            prompt = tokenizer.prompt_ids(shown, asked.tools, asked.template)
    chat = asked.chat(shown, tokenizer) if asked.is_chat else None
    return Job(generation, tuple(prompt), policy, window, tuple(shown), chat, trial)


def _route(person: int, model: str) -> tuple[Policy, str, InferenceError | None]:
    """The policy that answers, and the trial it is part of; or a nameless one and why."""
    try:
        route = routing.route(person, model)
    except InferenceError as error:
        return Policy(""), "", error
    return registry.as_policy(route.version), route.trial, None


def _check_fits(prompt: list[int]) -> None:
    if len(prompt) > settings.WINDOW_TOKENS:
        raise MessageTooLong(
            f"The prompt has {len(prompt)} tokens; the window holds {settings.WINDOW_TOKENS}. "
            "Shorten it, or continue a stored conversation with `conversation`."
        )


@transaction.atomic
def refuse(answer: UUID, error: InferenceError) -> None:
    """End a claimed answer for which no prompt could be made."""
    generation = Generation.objects.get(pk=answer)
    event = LogEvent(1, "error", error_data(error))
    last = events.close(generation, Generation.Status.FAILED, [event])
    transaction.on_commit(lambda: events.publish({answer: last}))


@transaction.atomic
def finish(
    job: Job, outcome: Outcome, rest: list[LogEvent], draft: Draft, tokenizer: ChatTokenizer
) -> None:
    """End an answer: its text, last events, trajectory and window, in one transaction.

    `rest` are events that were taken from `draft` but not written. When someone else ended the
    answer before, nothing is done.
    """
    generation = job.generation
    started_at = generation.started_at or generation.created_at
    asked_to_start_s = (started_at - generation.created_at).total_seconds()
    for kind, data in _last_events(job, outcome, asked_to_start_s):
        draft.add(kind, data)
    status = Generation.Status(outcome.end)
    written = events.close(generation, status, [*rest, *draft.take()])
    if not written:
        return
    transaction.on_commit(lambda: events.publish({generation.pk: written}))
    text = outcome.text
    message = generation.message
    if parts := _parts(outcome):
        message.parts = parts
        message.save(update_fields=["parts"])
    if job.window is not None and (text or outcome.end == "done"):
        thought, exchanges = outcome.reasoning, outcome.exchanges
        memory.save(message, job.window, text, tokenizer, thought=thought, exchanges=exchanges)
    if outcome.tokens:
        _log_trajectory(job, outcome, asked_to_start_s)
        _count_tokens(job, outcome)
        experiences.hand_over(generation)
    if outcome.end == "done" and text.strip():
        titles.ask_if_first(message)
    if job.trial:
        _expose(job, outcome, text)


def _parts(outcome: Outcome) -> list[dict[str, Any]]:
    """The message as it is kept: what was thought, which tools were called, what was said."""
    parts: list[dict[str, Any]] = []
    if outcome.reasoning:
        thought_ms = round(1000 * outcome.thought_s)
        parts.append({"type": "reasoning", "text": outcome.reasoning, "ms": thought_ms})
    for call in outcome.calls.values():
        is_left = call["state"] in ToolCall.OPEN
        parts.append({"type": "tool", **call, **({"state": "expired"} if is_left else {})})
    if outcome.text:
        parts.append({"type": "text", "text": outcome.text})
    return parts


def _count_tokens(job: Job, outcome: Outcome) -> None:
    owner = job.generation.message.conversation.owner_id
    tokens = outcome.prompt_tokens(job.prompt_token_ids) + outcome.tokens
    transaction.on_commit(lambda: rates.note_tokens(owner, tokens))


def _expose(job: Job, outcome: Outcome, text: str) -> None:
    """Tell the trial how this answer went; one that we broke off ourselves tells nothing."""
    if outcome.error is None and outcome.end not in ("done", "stopped"):
        return
    first, tokens = outcome.first_token_s, outcome.tokens
    is_silent = outcome.end == "done" and not text.strip() and not outcome.step.calls
    canary.expose(
        job.trial,
        answer=job.answer,
        person=job.generation.message.conversation.owner_id,
        is_new=job.policy.name == job.trial,
        has_failed=outcome.error is not None or is_silent,
        first_token_ms=None if first is None else 1000 * first,
        token_ms=(
            None if first is None or tokens < 2 else 1000 * (outcome.total_s - first) / (tokens - 1)
        ),
    )


def _last_events(
    job: Job, outcome: Outcome, asked_to_start_s: float
) -> list[tuple[str, dict[str, Any]]]:
    first = outcome.first_token_s
    usage = {
        "prompt_tokens": outcome.prompt_tokens(job.prompt_token_ids),
        "completion_tokens": outcome.tokens,
        "first_token_ms": None if first is None else round(1000 * (asked_to_start_s + first), 1),
        "total_ms": round(1000 * (asked_to_start_s + outcome.total_s), 1),
    }
    match outcome.end:
        case "done":
            reason = outcome.step.finish_reason
            return [("usage", usage), ("done", {"finish_reason": reason})]
        case "stopped":
            return [("usage", usage), ("stopped", {})]
        case _:
            return [("error", outcome.error or INTERRUPTED)]


def _log_trajectory(job: Job, outcome: Outcome, asked_to_start_s: float) -> None:
    step, first = outcome.step, outcome.first_token_s
    prompt = step.prompt_token_ids or job.prompt_token_ids
    sampling = job.sampling(len(prompt))
    Trajectory.objects.create(
        generation=job.generation,
        messages=[message.to_json() for message in (*job.shown, *outcome.read_since)],
        prompt_token_ids=list(prompt),
        sampled_token_ids=step.token_ids,
        logprobs=step.finite_logprobs,
        spans=step.spans,
        earlier=[each.to_json() for each in outcome.earlier],
        asked={} if job.chat is None else chats.to_json(job.chat),
        sampling={
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
            "stop": list(sampling.stop),
        },
        policy=job.policy.name,
        digest=job.policy.digest,
        base_model=settings.MODEL,
        finish_reason=step.finish_reason or outcome.end,
        queued_ms=1000 * asked_to_start_s,
        first_token_ms=None if first is None else 1000 * (asked_to_start_s + first),
        total_ms=1000 * (asked_to_start_s + outcome.total_s),
    )
