"""One machine's Danas from start to stop: `manage.py run`."""

from __future__ import annotations

import os
import secrets
import subprocess
import time

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from assistant.accounts import people
from assistant.models import Role, User
from assistant.processes import machine, postgres, ready, valkey
from assistant.processes.errors import CannotStart
from assistant.processes.programs import PYTHON, Plan, programs
from assistant.processes.ready import Say
from assistant.processes.supervise import Supervisor, clear, end_last_session
from assistant.settings import env
from inference.profiles import profile_of, what_is_off

ADMINISTRATOR = "admin"
LOOK_EVERY_S = 1.0


def plan() -> Plan:
    return Plan(
        home=settings.HOME,
        host=settings.HOST,
        port=settings.PORT,
        model=settings.MODEL_PATH,
        engine_port=settings.ENGINE_PORT,
        runs_postgres=not env.database_url,
        runs_valkey=not env.valkey_url,
        runs_engine=not env.engine_urls,
    )


def run(say: Say) -> None:
    """Start everything, say when it is ready, and keep it so until an exception ends it.

    Raises:
        CannotStart: something has to be changed first; the text says what.
    """
    wanted = plan()
    with machine.claimed(wanted.home):
        end_last_session(wanted.home)
        clear(wanted.home)
        _prepare(wanted, say)
        _serve(wanted, say)
        while True:
            say("The supervisor was killed; starting everything anew …")
            time.sleep(LOOK_EVERY_S)
            _serve(wanted, say)


def _prepare(wanted: Plan, say: Say) -> None:
    """What has to be there before the first process."""
    machine.check_room(wanted.home)
    machine.check_port(wanted.host, wanted.port, "DANAS_PORT")
    if wanted.runs_engine:
        machine.check_port("127.0.0.1", wanted.engine_port, "DANAS_ENGINE_PORT")
    machine.make_secrets(wanted.home)
    if not (wanted.model / "config.json").exists():
        _make_model(wanted, say)
    _describe_model(wanted, say)
    if wanted.runs_postgres:
        if not wanted.home.postgres.exists():
            say("Making the database …")
        postgres.initialise(wanted.home)
    if wanted.runs_valkey:
        valkey.prepare(wanted.home)


def _make_model(wanted: Plan, say: Say) -> None:
    say("Making the base model …")
    module = (PYTHON, "-m", "inference.engine.model")
    what = ("--model", settings.MODEL, "--target", str(wanted.model))
    made = subprocess.run([*module, *what], cwd=settings.BASE_DIR, check=False)
    if made.returncode:
        raise CannotStart(f"The base model {settings.MODEL!r} could not be made.")


def _describe_model(wanted: Plan, say: Say) -> None:
    """Before the long wait for the engine, what there will be no use in looking for."""
    profile = profile_of(wanted.model)
    say(" ".join([f"The model is served as {profile.title}.", *what_is_off(profile)]))


def _serve(wanted: Plan, say: Say) -> None:
    """Returns only when supervisord itself was killed, with nothing of it left."""
    supervisor = Supervisor(wanted.home, programs(wanted), settings.BASE_DIR)
    try:
        supervisor.start(environment())
        _start(supervisor, wanted, say)
        for _ in ready.waiting(wanted.host, wanted.port, say):
            supervisor.look_after()
            if not supervisor.is_alive():
                return
        make_administrator(say)
        say(f"Danas is ready at {ready.address(wanted.host, wanted.port)}")
        while supervisor.is_alive():
            supervisor.look_after()
            time.sleep(LOOK_EVERY_S)
    finally:
        supervisor.stop()
        clear(wanted.home)


def environment() -> dict[str, str]:
    """What every process inherits: this environment, with the home spelt out."""
    return {
        **os.environ,
        "DANAS_HOME": str(settings.HOME.root),
        "DJANGO_SETTINGS_MODULE": "assistant.settings",
        "PYTHONUNBUFFERED": "1",
        "VLLM_API_KEY": env.engine_key or (settings.HOME.secrets / "engine").read_text().strip(),
    }


def _start(supervisor: Supervisor, wanted: Plan, say: Say) -> None:
    """The engine takes longest, so it starts first and everything else beside it."""
    names = [each.name for each in programs(wanted)]
    stores = [name for name in names if name in {"postgres", "valkey"}]
    if "engine" in names:
        say("Starting the engine, which takes about 40 s …")
        supervisor.run("engine")
    say(f"Starting {', '.join(stores) or 'with the given database'} …")
    supervisor.run(*stores)
    ready.wait_for_database()
    ready.wait_for_valkey()
    _migrate(say)
    rest = [name for name in names if name not in {*stores, "engine"}]
    say(f"Starting {', '.join(rest)} …")
    supervisor.run(*rest)


def _migrate(say: Say) -> None:
    say("Bringing the database up to date …")
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()


def make_administrator(say: Say) -> None:
    """The first account of an installation; its password is said once and stored nowhere.

    At its first sign-in the page asks for a name and a password of one's own.
    """
    if User.objects.filter(role=Role.ADMIN).exists():
        return
    password = secrets.token_urlsafe(12)
    people.create(ADMINISTRATOR, password, role=Role.ADMIN, must_set_up=True)
    connection.close()
    say(f"Sign in as {ADMINISTRATOR} with the password {password} (it is not shown again).")
