"""What is put into the storage comes out whole, from a folder and from an object store alike."""

import json
import threading
from dataclasses import replace
from uuid import uuid4

import pytest

from inference.engine.adapters import CONFIG, WEIGHTS, digest_of
from inference.errors import AdapterInvalid, StorageUnavailable
from inference.storage import MANIFEST, Storage
from tests.inference import s3


@pytest.fixture(scope="module")
def s3_server():
    with s3.running() as server:
        yield server


@pytest.fixture
def remote(s3_server, tmp_path):
    return Storage(f"s3://danas-{uuid4().hex}/adapters", tmp_path / "cache", s3_server.options)


@pytest.fixture
def local(tmp_path):
    return Storage(str(tmp_path / "adapters"), tmp_path / "cache")


@pytest.fixture(params=["local", "remote"])
def storage(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def adapter(tmp_path):
    folder = tmp_path / "made" / "final"
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text("{}")
    (folder / WEIGHTS).write_bytes(b"\x01\x02" * 100_000)
    return folder


def on_another_machine(storage, tmp_path):
    return replace(storage, cache=tmp_path / "another" / "cache")


def test_a_folder_comes_back_as_it_was_put(storage, adapter):
    digest = digest_of(adapter)

    address = storage.put_folder(adapter, "aa11")

    found = storage.fetch(address, digest)
    assert digest_of(found) == digest
    assert (found / CONFIG).read_text() == "{}"


def test_a_local_folder_is_moved_and_not_copied(local, adapter):
    address = local.put_folder(adapter, "aa11")

    assert not adapter.exists()
    assert str(local.fetch(address)) == address == f"{local.root}/aa11"
    assert not local.cache.exists()


def test_the_same_key_twice_is_the_same_content(storage, adapter, tmp_path):
    again = tmp_path / "made" / "again"
    again.mkdir()
    for name in (CONFIG, WEIGHTS):
        (again / name).write_bytes((adapter / name).read_bytes())

    assert storage.put_folder(adapter, "aa11") == storage.put_folder(again, "aa11")


def test_what_is_fetched_is_fetched_once(remote, adapter, s3_server):
    address = remote.put_folder(adapter, "aa11")
    first = remote.fetch(address)
    unreachable = replace(remote, options={**remote.options, "endpoint_url": "http://127.0.0.1:9"})

    assert unreachable.fetch(address) == first


def test_another_machine_gets_what_was_put(remote, adapter, tmp_path):
    address = remote.put_folder(adapter, "aa11")

    found = on_another_machine(remote, tmp_path).fetch(address, digest_of(adapter))

    assert tmp_path / "another" in found.parents


def test_two_that_fetch_at_once_get_the_same(remote, adapter):
    address = remote.put_folder(adapter, "aa11")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(remote.fetch(address))) for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1
    assert [path.name for path in remote.cache.iterdir()] == [found[0].name]


def test_another_digest_than_the_expected_is_refused(storage, adapter):
    address = storage.put_folder(adapter, "aa11")

    with pytest.raises(AdapterInvalid, match="its digest is another"):
        storage.fetch(address, "00" * 32)


def test_a_truncated_local_adapter_is_refused(local, adapter):
    digest = digest_of(adapter)
    address = local.put_folder(adapter, "aa11")
    weights = local.fetch(address) / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])

    with pytest.raises(AdapterInvalid, match="truncated"):
        local.fetch(address, digest)


def test_a_file_that_was_changed_in_the_store_is_refused(remote, adapter):
    address = remote.put_folder(adapter, "aa11")
    remote.write(f"aa11/{WEIGHTS}", b"something else")

    with pytest.raises(AdapterInvalid, match="not what was put there"):
        remote.fetch(address)
    assert list(remote.cache.iterdir()) == []


def test_half_an_upload_is_no_adapter(remote, adapter):
    remote.write(f"aa11/{WEIGHTS}", (adapter / WEIGHTS).read_bytes())

    with pytest.raises(AdapterInvalid, match="nothing whole"):
        remote.fetch(remote.address("aa11"))

    # Whoever puts it again completes it.
    assert remote.fetch(remote.put_folder(adapter, "aa11"), digest_of(adapter))


def test_a_file_of_the_manifest_that_is_missing_is_named_so(remote, adapter):
    address = remote.put_folder(adapter, "aa11")
    remote.delete(f"{address}/{CONFIG}")

    with pytest.raises(AdapterInvalid, match="lacks a file"):
        remote.fetch(address)


def test_a_manifest_cannot_write_outside_of_its_folder(remote):
    remote.write(f"aa11/{MANIFEST}", json.dumps({"../evil": "00"}).encode())

    with pytest.raises(AdapterInvalid, match="outside"):
        remote.fetch(remote.address("aa11"))


def test_what_was_deleted_is_gone(storage, adapter, tmp_path):
    address = storage.put_folder(adapter, "aa11")

    storage.delete(address)
    storage.delete(address)

    with pytest.raises(AdapterInvalid):
        on_another_machine(storage, tmp_path).fetch(address, "00")


def test_a_file_is_read_as_it_was_written_last(storage):
    assert storage.read(storage.address("data/job.json")) is None

    storage.write("data/job.json", b"one")
    address = storage.write("data/job.json", b"two")

    assert storage.read(address) == b"two"
    storage.delete(storage.address("data"))
    assert storage.read(address) is None


def test_a_lent_folder_is_read_where_it_lies_or_travels(storage, adapter, tmp_path):
    address = storage.lend_folder(adapter, "lent/1", [CONFIG, WEIGHTS])

    assert on_another_machine(storage, tmp_path).fetch(address, digest_of(adapter))
    storage.delete_lent(address)
    assert adapter.exists()


def test_a_store_that_does_not_answer_is_named(remote, adapter):
    nowhere = replace(remote, options={**remote.options, "endpoint_url": "http://127.0.0.1:9"})

    with pytest.raises(StorageUnavailable, match="failed"):
        nowhere.put_folder(adapter, "aa11")
    with pytest.raises(StorageUnavailable):
        nowhere.fetch(nowhere.address("aa11"))
    with pytest.raises(StorageUnavailable):
        nowhere.read(nowhere.address("aa11"))


def test_a_secret_is_not_shown(remote):
    assert "endpoint_url" not in repr(remote)
