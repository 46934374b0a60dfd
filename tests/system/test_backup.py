"""A backup made while an answer streams, restored into another home; and what is never logged."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

import httpx
import pytest

from tests.fakes import Answer
from tests.pictures import picture
from tests.system.light import LightStack
from tests.system.stack import ROOT, Stack, wait_until

pytestmark = pytest.mark.system
SECRET = "the tide turns at the old mill"
SLOW = Answer("one two three four five six seven eight nine ten " * 30, pace_s=0.05)


def ask(stack: LightStack, key: str, path: str, body: object = None, **headers: str) -> dict:
    request = urllib.request.Request(
        stack.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            **headers,
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or "null")


def chat(stack: LightStack, key: str, text: str, **headers: str) -> dict:
    body = {"model": "danas", "messages": [{"role": "user", "content": text}]}
    return ask(stack, key, "/v1/chat/completions", body, **headers)


def upload(stack: LightStack, key: str) -> str:
    said = httpx.post(
        f"{stack.url}/v1/images",
        files={"file": ("red.png", picture(), "image/png")},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert said.status_code == 200, said.text
    name: str = said.json()["id"]
    return name


def restore(stack: Stack, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(file), *options],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def streaming(stack: LightStack, key: str) -> str:
    """Ask for a long answer and leave it; returns once it is being made."""
    conversation = ask(stack, key, "/v1/conversations", {"title": "Tides"})["id"]
    body = {
        "model": "danas",
        "conversation": conversation,
        "stream": True,
        "messages": [{"role": "user", "content": "Tell me about tides"}],
    }
    request = urllib.request.Request(
        f"{stack.url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as stream:
        stream.readline()
    return conversation


def test_a_backup_made_while_an_answer_streams_is_restored_elsewhere(
    light: LightStack, tmp_path: Path
):
    key = light.create_user("ada", "--role", "admin")
    for number in range(3):
        chat(light, key, f"Question {number}")
    adapter = light.home / "adapters" / "danas-v1-abc" / "adapter.bin"
    adapter.parent.mkdir(parents=True)
    adapter.write_bytes(bytes(range(256)) * 100)
    image = upload(light, key)
    light.engine.play(SLOW)
    conversation = streaming(light, key)
    file = tmp_path / "saved.tar.zst"

    said = light.manage("backup", str(file))
    running = restore(light, file)
    elsewhere = LightStack()
    done = restore(elsewhere, file)
    try:
        assert done.returncode == 0, done.stderr
        again = restore(elsewhere, file)
        restored = (elsewhere.home / "adapters" / "danas-v1-abc" / "adapter.bin").read_bytes()
        elsewhere.start()
        found = ask(elsewhere, key, f"/v1/conversations/{conversation}")
        wait_until(lambda: _is_settled(elsewhere, key, conversation), 60, "end of the answer")
        check = ask(elsewhere, key, "/v1/ledger/check")
        for left in (light.home / "files" / "images").iterdir():
            left.unlink()
        shown = httpx.get(
            f"{elsewhere.url}/v1/images/{image}", headers={"Authorization": f"Bearer {key}"}
        )
    finally:
        elsewhere.remove()

    assert "Saved" in said
    assert running.returncode == 1
    assert "Stop it first" in running.stderr
    assert "accounts already" in again.stderr
    assert restored == bytes(range(256)) * 100
    assert found["conversation"]["title"] == "Tides"
    assert check["holds"]
    assert shown.headers["Content-Type"] == "image/png"
    light.engine.play("Hello there.")


def _is_settled(stack: LightStack, key: str, conversation: str) -> bool:
    messages = ask(stack, key, f"/v1/conversations/{conversation}")["messages"]
    return messages[-1]["answer"]["status"] in {"interrupted", "done"}


def test_a_damaged_file_is_refused_before_anything_is_touched(light: LightStack, tmp_path: Path):
    file = tmp_path / "saved.tar.gz"
    light.manage("backup", str(file))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    elsewhere = Stack()

    done = restore(elsewhere, file)

    assert done.returncode == 1
    assert "damaged" in done.stderr or "breaks off" in done.stderr
    assert not (elsewhere.home / "postgres").exists()
    elsewhere.remove()


def test_secrets_are_saved_only_where_they_are_asked_for(light: LightStack, tmp_path: Path):
    light.manage("backup", str(tmp_path / "without.tar.gz"))
    light.manage("backup", str(tmp_path / "with.tar.gz"), "--secrets")

    def names(name: str) -> set[str]:
        with tarfile.open(tmp_path / name) as tar:
            return {member.split("/")[0] for member in tar.getnames()}

    assert "secrets" not in names("without.tar.gz")
    assert "secrets" in names("with.tar.gz")


def test_no_log_has_what_people_say_and_all_have_the_request(light: LightStack):
    key = light.create_user("ben")
    light.engine.play(f"You said: {SECRET}")

    reply = chat(light, key, f"Remember: {SECRET}", **{"X-Request-Id": "follow-me-1"})

    assert SECRET in reply["choices"][0]["message"]["content"]
    wait_until(lambda: "follow-me-1" in light.log("generation"), 10, "line of the worker")
    logs = {path.name: path.read_text(errors="replace") for path in light.home.glob("log-*")}
    assert not [name for name, text in logs.items() if SECRET in text]
    web = [json.loads(line) for line in light.log("web").splitlines() if "follow-me-1" in line]
    assert web[0]["event"].startswith("POST /v1/chat/completions 200")
    assert light.engine.completions[-1].headers["X-Request-Id"].startswith("follow-me-1-")
