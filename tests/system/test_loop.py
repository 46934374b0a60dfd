"""The whole loop on the real processes: chat, log, feedback, learn, serve again, go back."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI
from websockets.sync.client import ClientConnection, connect

from tests.system.stack import Stack, wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

QUESTIONS = (
    "What is rain?",
    "Name a colour.",
    "Why do cats sleep so much?",
    "What is bread made of?",
    "Tell me about owls.",
    "How can I sleep better?",
)


class Person:
    """Somebody with an account and a key, who talks over HTTP and the socket."""

    def __init__(self, stack: Stack, *options: str) -> None:
        self.name = f"person-{uuid.uuid4().hex[:8]}"
        self._stack = stack
        self.key = stack.create_user(self.name, *options)
        self.openai = OpenAI(base_url=f"{stack.url}/v1", api_key=self.key, max_retries=0)

    def post(self, path: str, **body: object) -> httpx.Response:
        return httpx.post(self._stack.url + path, json=body, headers=self._key, timeout=60)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self._stack.url + path, headers=self._key, timeout=60)

    @property
    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def ask(self, question: str, **options: object):
        return self.openai.chat.completions.create(
            model=options.pop("model", "danas"),
            messages=[{"role": "user", "content": question}],
            max_tokens=32,
            **options,
        )

    def socket(self) -> ClientConnection:
        """The page's socket, after signing in as the page does."""
        with httpx.Client(base_url=self._stack.url, timeout=30) as page:
            page.get("/v1/session")
            page.post(
                "/v1/session",
                json={"name": self.name, "password": "correct horse"},
                headers={"X-CSRFToken": page.cookies.get("csrftoken", "")},
            ).raise_for_status()
            cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
        return connect(
            f"ws://127.0.0.1:{self._stack.port}/ws/chat/",
            additional_headers={"Cookie": cookies},
            origin=self._stack.url,
        )


def send(socket: ClientConnection, text: str) -> dict[str, str]:
    """Say something that takes long to answer; the ids that were chosen."""
    ids = {name: str(uuid.uuid4()) for name in ("conversation", "message", "answer")}
    parts = [{"type": "text", "text": text}]
    command = {"type": "send", "request": "r", "parent": None, "parts": parts, **ids}
    socket.send(json.dumps(command))
    return ids


def notices(socket: ClientConnection, kind: str) -> Iterator[dict]:
    while True:
        notice = json.loads(socket.recv(timeout=120))
        if notice["type"] == kind:
            yield notice


def events_to_the_end(socket: ClientConnection) -> list[dict]:
    events = []
    for event in notices(socket, "event"):
        events.append(event)
        if event["kind"] in {"done", "error", "stopped"}:
            return events
    raise AssertionError("the socket ended before the answer")


def update_of(person: Person) -> dict:
    """Ask for an update and wait for its verdict."""
    update = person.post("/v1/updates").json()
    states = []

    def has_ended() -> bool:
        current = person.get(f"/v1/updates/{update['id']}").json()
        states.append(current["state"])
        return current["state"] not in {"queued", "training", "gating"}

    wait_until(has_ended, 600, "verdict on the update", every_s=1)
    return {**person.get(f"/v1/updates/{update['id']}").json(), "states": states}


def accepted_update_of(person: Person) -> dict:
    """The first of three updates that the gates let through.

    A few steps on eight judgements may well bring nothing, which a gate then rightly says.
    """
    for _ in range(3):
        update = update_of(person)
        if update["state"] == "live":
            return update
        assert update["state"] == "rejected", update["reason"]
    pytest.fail(f"no update was accepted: {update['reason']} {update['gates']}")


@pytest.fixture(scope="module")
def lou(stack: Stack) -> Person:
    """An administrator whose chats may train the policy."""
    return Person(stack, "--role", "admin", "--training", "on", "--research", "on")


def test_an_answer_is_the_same_streamed_and_whole(lou: Person):
    whole = lou.ask("What is the capital of France?", temperature=0)
    chunks = list(lou.ask("What is the capital of France?", temperature=0, stream=True))

    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole.choices[0].message.content
    assert streamed == whole.choices[0].message.content


def test_what_was_sampled_is_what_is_logged(lou: Person):
    answer = lou.ask("Name three fruits.")

    def rows() -> list[dict]:
        lines = lou.get("/v1/trajectories?format=native").text.splitlines()
        return [row for row in map(json.loads, lines) if row["trajectory_id"] == answer.id]

    wait_until(rows, 30, "trajectory")
    row = rows()[0]
    assert len(row["sampled_token_ids"]) == len(row["logprobs"]) == answer.usage.completion_tokens
    assert len(row["prompt_token_ids"]) == answer.usage.prompt_tokens
    assert all(logprob <= 0 for logprob in row["logprobs"])


def test_a_reload_in_mid_answer_misses_and_doubles_nothing(lou: Person):
    with lou.socket() as first:
        ids = send(first, "Write a long story about a ship.")
        seen = [next(notices(first, "event")) for _ in range(3)]
    last = seen[-1]["seq"]
    with lou.socket() as second:
        replay = {"type": "replay", "request": "r", "answer": ids["answer"], "after": last}
        second.send(json.dumps(replay))
        rest = events_to_the_end(second)

    assert [event["seq"] for event in seen + rest] == list(range(1, last + len(rest) + 1))
    texts = [event["data"]["text"] for event in seen + rest if event["kind"] == "text"]
    stored = lou.get(f"/v1/conversations/{ids['conversation']}").json()["messages"][-1]
    assert stored["parts"] == [{"type": "text", "text": "".join(texts)}]


def test_a_killed_generation_worker_interrupts_with_what_was_said_kept(stack: Stack, lou: Person):
    with lou.socket() as socket:
        ids = send(socket, "Write a long story about a mountain.")
        before = [next(notices(socket, "event")) for _ in range(3)]
        stack.kill("generation")
        rest = events_to_the_end(socket)

    assert rest[-1]["data"]["code"] == "interrupted"
    assert rest[-1]["data"]["can_retry"]
    seqs = [event["seq"] for event in before + rest]
    assert seqs == list(range(1, len(seqs) + 1))
    answer = lou.get(f"/v1/conversations/{ids['conversation']}").json()["messages"][-1]
    assert answer["answer"]["status"] == "interrupted"
    assert answer["parts"][0]["text"]
    wait_until(stack.is_healthy, 90, "health after the kill")


# Up to three updates, on two cores that also answer.
@pytest.mark.timeout(1500)
def test_feedback_becomes_a_policy_that_answers_and_can_be_taken_back(lou: Person):
    answers = [lou.ask(question) for question in QUESTIONS]
    versions = []
    for answer in answers:
        length = len(answer.choices[0].message.content)
        kind = "up" if length < 120 else "down"
        receipt = lou.post("/v1/feedback", message=answer.id, kind=kind).json()
        versions.append(receipt["reward_version"])
    lou.post(
        "/v1/feedback", message=answers[0].id, kind="correction", text="Water that falls."
    ).raise_for_status()

    with Asking(lou) as asking:
        update = accepted_update_of(lou)

    assert all(versions)
    assert versions == sorted(versions)
    assert "training" in update["states"]
    assert asking.lost == []
    assert asking.answered
    _is_explained(update)
    assert lou.ask("What is tea?").model == update["policy"]
    assert {gate["name"] for gate in update["gates"] if gate["passed"]} >= {
        "finite weights",
        "served is trained",
        "general text not worse",
    }

    lou.post(f"/v1/policies/{update['parent']}/activate").raise_for_status()

    assert lou.ask("What is tea?").model == update["parent"]


def _is_explained(update: dict) -> None:
    assert update["reason"]
    assert all(gate["sentence"] for gate in update["gates"])


def test_a_second_update_while_one_runs_is_a_conflict(lou: Person):
    first = lou.post("/v1/updates")
    second = lou.post("/v1/updates")

    assert first.status_code in {200, 201, 202}
    assert second.status_code == 409
    assert second.json()["error"]["code"] == "update_running"


class Asking:
    """Goes on asking beside what is tested, and counts what was lost."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answered = 0
        self.lost: list[Exception] = []

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ending.is_set():
            try:
                self._person.ask("Name something blue.")
            except Exception as error:  # noqa: BLE001 (whatever it is, it was lost)
                self.lost.append(error)
            else:
                self.answered += 1
            time.sleep(1)
