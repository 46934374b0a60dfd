"""`python -m tests.benchmarks pictures`: what Danas adds to a first token with 0, 1 and 4 pictures.

A tiny Qwen3-VL that nobody trained, served by the real vLLM: how long a picture takes to see does
not depend on what the weights know. Every request has pictures that were never sent before, so no
cache of the engine's helps. The other table is what a person waits for: from the moment at which
an upload begins to the first token of the answer to it.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import statistics
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from PIL import Image, ImageDraw
from transformers import Qwen3VLForConditionalGeneration

from tests.benchmarks.report import Row
from tests.benchmarks.serving import Target
from tests.system.stack import Stack
from tests.vision import qwen

# The page signs in with a cookie, which is all that its socket takes.
ENTER = """
from django.test import Client
from assistant.models import User
client = Client()
client.force_login(User.objects.get(username="sam"))
print(client.cookies["sessionid"].value)
"""
PICTURES = (0, 1, 4)
ROUNDS, WARM_UP = 20, 2
SIDE = 320
MAX_TOKENS = 8
FOLDER = Path(".danas") / "bench" / "qwen3-vl-untrained"


def run() -> list[tuple[str, list[Row]]]:
    if not (FOLDER / "config.json").exists():
        qwen.save(_talkative(), FOLDER)
    stack = Stack(DANAS_MODEL=str(FOLDER.resolve()))
    try:
        stack.start()
        return asyncio.run(_measured(stack))
    finally:
        stack.stop()
        stack.remove()


def _talkative() -> Qwen3VLForConditionalGeneration:
    """One that always says a letter: tokens without text would hide when the first one came."""
    made, letters = qwen.model(), qwen.tokenizer().convert_tokens_to_ids(["a", "b"])
    embedding = made.get_input_embeddings().weight.data
    one, other = letters
    embedding[one] *= 100
    embedding[other] = -embedding[one]
    return made


async def _measured(stack: Stack) -> list[tuple[str, list[Row]]]:
    key = stack.create_user("sam", "--training", "off")
    engine_key = (stack.home / "secrets" / "engine").read_text().strip()
    direct = Target("direct", f"http://127.0.0.1:{stack.engine_port}", engine_key, "base")
    danas = Target("danas", stack.url, key, "base")
    draw = random.Random(0)
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        rows = [await _compared(session, direct, danas, count, draw) for count in PICTURES]
        cookie = stack.manage("shell", "-v", "0", "-c", ENTER).split()[-1]
        uploads = [await _uploaded(session, danas, cookie, draw) for _ in range(WARM_UP + ROUNDS)]
    waited = statistics.median(uploads[WARM_UP:])
    return [
        ("Pictures: first token with pictures in the request", rows),
        ("Uploads: from an upload to the first token", [{"side": SIDE, "ms": round(waited, 1)}]),
    ]


async def _compared(
    session: aiohttp.ClientSession, direct: Target, danas: Target, count: int, draw: random.Random
) -> Row:
    """Turn about, so that whatever else the machine does falls on both."""
    took: dict[str, list[float]] = {direct.name: [], danas.name: []}
    for number in range(WARM_UP + ROUNDS):
        turns = (direct, danas) if number % 2 == 0 else (danas, direct)
        for target in turns:
            parts = [_part(drawing(draw)) for _ in range(count)]
            parts.append({"type": "text", "text": f"{draw.randrange(10**6)}. What is it?"})
            milliseconds = await _first_token(session, target, parts)
            if number >= WARM_UP:
                took[target.name].append(milliseconds)
    alone, ours = (statistics.median(took[target.name]) for target in (direct, danas))
    return {
        "pictures": count,
        "direct first token ms": round(alone, 1),
        "danas first token ms": round(ours, 1),
        "added ms": round(ours - alone, 1),
    }


async def _first_token(
    session: aiohttp.ClientSession, target: Target, parts: list[dict[str, Any]]
) -> float:
    body = {
        "model": target.model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": parts},
        ],
        "stream": True,
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "ignore_eos": True,
    }
    started = time.perf_counter()
    first = None
    async with session.post(
        f"{target.url}/v1/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {target.key}"},
    ) as response:
        if response.status != 200:
            raise RuntimeError(f"{target.name}: {response.status} {await response.text()}")
        async for line in response.content:
            if first is None and _has_text(line):
                first = 1000 * (time.perf_counter() - started)
    if first is None:
        raise RuntimeError(f"{target.name} sent no text")
    return first


def _has_text(line: bytes) -> bool:
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[6:])["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


async def _uploaded(
    session: aiohttp.ClientSession, danas: Target, cookie: str, draw: random.Random
) -> float:
    """Upload a picture and say it in a conversation of its own, as the page does."""
    headers = {"Authorization": f"Bearer {danas.key}"}
    form = aiohttp.FormData()
    form.add_field("file", drawing(draw), filename="drawing.png", content_type="image/png")
    started = time.perf_counter()
    async with session.post(f"{danas.url}/v1/images", data=form, headers=headers) as response:
        response.raise_for_status()
        image = (await response.json())["id"]
    page = {"Cookie": f"sessionid={cookie}", "Origin": danas.url}
    async with session.ws_connect(f"{danas.url}/ws/chat/", headers=page) as socket:
        answer = str(uuid4())
        parts = [{"type": "image", "image": image}, {"type": "text", "text": "What is it?"}]
        command = {
            "type": "send",
            "request": "1",
            "conversation": str(uuid4()),
            "parent": None,
            "message": str(uuid4()),
            "answer": answer,
            "parts": parts,
        }
        await socket.send_json(command)
        async for message in socket:
            notice = json.loads(message.data)
            if notice["type"] == "refused":
                raise RuntimeError(notice["message"])
            if notice["type"] == "event" and notice["kind"] in ("text", "done", "error"):
                return 1000 * (time.perf_counter() - started)
    raise RuntimeError("the socket was closed before the first token")


def _part(content: bytes) -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    return {"type": "image_url", "image_url": {"url": url}}


def drawing(draw: random.Random) -> bytes:
    """A PNG of a few shapes that nobody has seen before."""
    image = Image.new("RGB", (SIDE, SIDE), _colour(draw))
    canvas = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = (draw.randrange(SIDE - 20) for _ in range(2))
        size = draw.randrange(10, SIDE // 2)
        canvas.ellipse((left, top, left + size, top + size), fill=_colour(draw))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def _colour(draw: random.Random) -> tuple[int, int, int]:
    return draw.randrange(256), draw.randrange(256), draw.randrange(256)
