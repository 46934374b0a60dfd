"""What stands in the way of a start is said in a sentence, before anything is started."""

from __future__ import annotations

import shutil
import socket
from collections import namedtuple

import pytest

from assistant.home import Home
from assistant.processes import machine
from assistant.processes.errors import CannotStart

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_a_home_is_held_by_one_run_at_a_time(home):
    with machine.claimed(home):
        with pytest.raises(CannotStart, match="already runs on DANAS_HOME=") as refused:
            machine.claimed(home).__enter__()

        assert f"DANAS_HOME={home.root} (process " in str(refused.value)

    with machine.claimed(home):
        assert home.sockets.is_dir()


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="cannot be written to: Not a directory"):
        machine.claimed(Home(tmp_path / "file" / "home")).__enter__()


def test_a_full_disk_is_named(home, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 1 << 40, 3 << 20))

    with pytest.raises(CannotStart, match="is full: 3 MB are free, 512 MB are the least"):
        machine.check_room(home)


def test_a_port_in_use_is_named_with_the_way_out():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CannotStart) as refused:
            machine.check_port("127.0.0.1", port, "DANAS_PORT")

    assert str(refused.value) == (
        f"Port {port} on 127.0.0.1 is already in use by another program. Set DANAS_PORT to another."
    )


def test_an_address_of_another_machine_is_refused():
    # 192.0.2.0/24 is reserved for documentation, so no machine has such an address.
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1 is not an address of this machine"):
        machine.check_port("192.0.2.1", 8000, "DANAS_PORT")


def test_secrets_are_made_once_and_for_their_owner_alone(home):
    with machine.claimed(home):
        machine.make_secrets(home)
        first = (home.secrets / "django").read_text()
        machine.make_secrets(home)

    assert (home.secrets / "django").read_text() == first
    assert len(first.strip()) >= 50
    assert {path.stat().st_mode & 0o777 for path in home.secrets.iterdir()} == {0o600}
