"""The embedded PostgreSQL: made once, whole or not at all."""

from __future__ import annotations

import signal

import psycopg
import pytest

from assistant.home import Home
from assistant.processes import postgres


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_a_server_that_was_killed_starts_again_with_what_it_had(home):
    first = postgres.start(home)
    with psycopg.connect(host=str(home.sockets), user="danas", dbname="danas") as connection:
        connection.execute("CREATE TABLE kept (word text)")
    first.send_signal(signal.SIGKILL)
    first.wait()

    second = postgres.start(home)
    with psycopg.connect(host=str(home.sockets), user="danas", dbname="danas") as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    postgres.stop(second)

    assert found == (0,)


def test_vectors_and_trigrams_can_be_used(home):
    server = postgres.start(home)
    with psycopg.connect(host=str(home.sockets), user="danas", dbname="danas") as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE EXTENSION pg_trgm")
        distance = connection.execute("SELECT '[0,3]'::vector <-> '[4,0]'::vector").fetchone()
    postgres.stop(server)

    assert distance == (5.0,)


def test_what_an_interrupted_first_start_left_is_made_anew(home):
    half = home.postgres.with_suffix(".new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    postgres.stop(postgres.start(home))

    assert not half.exists()


def test_the_number_of_a_dead_server_given_to_another_process_does_not_stop_the_start(home):
    postgres.stop(postgres.start(home))
    # Process 1 always runs, and is never PostgreSQL.
    (home.postgres / "postmaster.pid").write_text("1\n")

    postgres.stop(postgres.start(home))

    assert not (home.postgres / "postmaster.pid").exists()
