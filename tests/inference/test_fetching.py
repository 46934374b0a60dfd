"""The engine's own fetching, in front of an application that records what vLLM would be told."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from inference.engine.adapters import CONFIG, WEIGHTS, digest_of
from inference.engine.fetching import LOAD, UNLOAD, Fetching
from inference.storage import Storage
from tests.inference import s3


@pytest.fixture(scope="module")
def s3_server():
    with s3.running() as server:
        yield server


@pytest.fixture
def storage(s3_server, tmp_path):
    return Storage(f"s3://danas-{uuid4().hex}", tmp_path / "cache", s3_server.options)


@pytest.fixture
def adapter(tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / CONFIG).write_text("{}")
    (folder / WEIGHTS).write_bytes(b"weights")
    return folder


class Inner:
    """What stands behind the middleware: remembers every body, says yes to everything."""

    def __init__(self):
        self.bodies = []
        self.status = 200

    async def __call__(self, scope, receive, send):
        body = (await receive())["body"]
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        assert lengths == [str(len(body)).encode()]
        self.bodies.append(json.loads(body))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def engine(inner, monkeypatch, s3_server, tmp_path):
    monkeypatch.setenv("VLLM_API_KEY", "k")
    monkeypatch.setenv("DANAS_STORAGE_OPTIONS", json.dumps(s3_server.options))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Fetching(inner)


async def post(engine, path, body, key="k"):
    """The status, and the words of an error."""
    content = json.dumps(body).encode()
    headers = [(b"authorization", f"Bearer {key}".encode())]
    headers += [(b"content-length", str(len(content)).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    sent = []

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message):
        sent.append(message)

    await engine(scope, receive, send)
    words = sent[1]["body"].decode()
    return sent[0]["status"], json.loads(words)["error"]["message"] if words else ""


def load(address, digest, name="danas-v1"):
    return {"lora_name": name, "lora_path": address, "digest": digest}


async def test_an_adapter_elsewhere_is_fetched_before_vllm_hears_of_it(
    engine, inner, storage, adapter
):
    address = storage.put_folder(adapter, "aa11")

    status, _ = await post(engine, LOAD, load(address, digest_of(adapter)))

    assert status == 200
    [told] = inner.bodies
    assert told["lora_name"] == "danas-v1"
    assert "digest" not in told
    assert digest_of(Path(told["lora_path"])) == digest_of(adapter)
    assert told["lora_path"] != address


async def test_an_adapter_on_this_machine_is_loaded_from_where_it_lies(engine, inner, adapter):
    status, _ = await post(engine, LOAD, load(str(adapter), digest_of(adapter)))

    assert status == 200
    assert inner.bodies == [{"lora_name": "danas-v1", "lora_path": str(adapter)}]


async def test_other_weights_than_the_name_stands_for_are_not_loaded(
    engine, inner, storage, adapter
):
    for address in (str(adapter), storage.put_folder(adapter, "aa11")):
        status, words = await post(engine, LOAD, load(address, "00" * 32))

        assert status == 400
        assert "digest is another" in words
    assert inner.bodies == []


async def test_an_adapter_that_is_nowhere_is_not_loaded(engine, inner, storage):
    status, words = await post(engine, LOAD, load(storage.address("none"), ""))

    assert (status, inner.bodies) == (400, [])
    assert "nothing whole" in words


async def test_a_store_that_is_down_can_be_tried_again(engine, inner, storage, adapter):
    address = storage.put_folder(adapter, "aa11")
    engine._storage = replace(engine._storage, options={"endpoint_url": "http://127.0.0.1:9"})

    status, _ = await post(engine, LOAD, load(address, ""))

    assert (status, inner.bodies) == (503, [])


async def test_what_was_fetched_goes_with_the_last_name_of_it(engine, inner, storage, adapter):
    address = storage.put_folder(adapter, "aa11")
    for name in ("one", "other"):
        await post(engine, LOAD, load(address, "", name))
    folder = Path(inner.bodies[0]["lora_path"])

    await post(engine, UNLOAD, {"lora_name": "one"})
    assert (folder / WEIGHTS).exists()
    await post(engine, UNLOAD, {"lora_name": "other"})

    assert not folder.exists()
    assert [body["lora_name"] for body in inner.bodies[2:]] == ["one", "other"]


async def test_a_request_without_the_key_fetches_nothing(engine, inner, storage, adapter):
    address = storage.put_folder(adapter, "aa11")

    await post(engine, LOAD, load(address, ""), key="wrong")

    # vLLM is told what was asked, and refuses it.
    assert inner.bodies[0]["lora_path"] == address
    assert not engine._storage.cache.exists()
