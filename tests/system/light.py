"""Danas without vLLM and without learning: the page, the API and answers from a script.

For what people do with the page itself, where what the model says does not matter, and for trying
the page by hand: `python -m tests.system.light` starts one and says how to sign in.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from assistant.home import Home
from assistant.processes import machine, postgres, valkey
from tests.fakes import Answer, ScriptedEngine
from tests.system.stack import ROOT, START_TIMEOUT_S, Stack, make_model, wait_until

PASSWORD = "correct horse"
SAYS = Answer(
    "Tides rise and fall because the **Moon** pulls at the sea.\n\n"
    "1. The near side is pulled most.\n2. The far side least.\n\n"
    "```python\nfor hour in range(24):\n    print(hour)\n```\n\nSo there are two tides a day.",
    pace_s=0.02,
)


class LightStack(Stack):
    """`engine` can be told what to say at any time; the other processes are the real ones.

    `programs` names what is started beside the stores and the website.
    """

    def __init__(
        self,
        *answers: Answer | str,
        programs: tuple[str, ...] = ("generation", "default"),
        **settings: str | None,
    ) -> None:
        super().__init__(**settings)
        self.engine = ScriptedEngine(answers or (SAYS,))
        self._programs = programs
        self._processes: list[subprocess.Popen[bytes]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "DANAS_ENGINE_URLS": self.engine.url,
            "DANAS_ENGINE_KEY": self.engine.key,
            "DJANGO_SETTINGS_MODULE": "assistant.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self) -> float:
        """Seconds until the page is served."""
        started = time.monotonic()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.engine.start(), self._loop).result()
        home = Home(self.home)
        home.secrets.mkdir(mode=0o700, exist_ok=True)
        machine.make_secrets(home)
        postgres.initialise(home)
        valkey.prepare(home)
        self._processes.append(postgres.start(home, "-c", "fsync=off"))
        self._processes.append(valkey.start(home))
        self.manage("migrate", "--verbosity", "0")
        for command in self._commands():
            self._run(command)
        wait_until(self._is_served, START_TIMEOUT_S, "page")
        return time.monotonic() - started

    def _commands(self) -> list[list[str]]:
        python, celery = (
            [sys.executable],
            [sys.executable, "-m", "celery", "-A", "assistant.celery"],
        )
        known = {
            "generation": [*python, "manage.py", "generationworker"],
            "default": [
                *(
                    *celery,
                    "worker",
                    "-Q",
                    "default",
                    "--hostname",
                    "default@%h",
                    "--pool",
                    "threads",
                    "-c",
                    "2",
                ),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            "beat": [*celery, "beat", "--schedule", str(self.home / "beat"), "--pidfile", ""],
        }
        web = [
            *(*python, "-m", "uvicorn", "assistant.asgi:application", "--lifespan", "off"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"),
        ]
        return [*(known[name] for name in self._programs), web]

    def _run(self, command: list[str]) -> None:
        with (self.home / f"log-{len(self._processes)}").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        self._processes.append(process)

    def _is_served(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/v1/session", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, float]:
        """The stores go last; returns 0, since there is no supervisor, and the seconds it took."""
        started = time.monotonic()
        stores, others = self._processes[:2], self._processes[2:]
        for group in (others, reversed(stores)):
            for process in group:
                process.send_signal(signal.SIGINT if process in stores else signum)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._processes.clear()
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self.engine.die(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        return 0, time.monotonic() - started

    def remove(self) -> None:
        if self._processes:
            self.stop()
        super().remove()

    @property
    def web_pid(self) -> int:
        return self._processes[-1].pid

    def log(self, name: str) -> str:
        """Of one of `programs`, or of `web`."""
        at = [*self._programs, "web"].index(name)
        return (self.home / f"log-{at + 2}").read_text(errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.system.light", description=__doc__)
    parser.add_argument("--port", type=int, help="a free one by default")
    parser.add_argument("--signup", default="open")
    arguments = parser.parse_args()
    make_model()
    stack = LightStack(DANAS_SIGNUP=arguments.signup)
    stack.port = arguments.port or stack.port
    stack.url = f"http://127.0.0.1:{stack.port}"
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    try:
        print(f"Started in {stack.start():.0f} s")
        for role in ("admin", "reviewer", "researcher", "member"):
            key = stack.create_user(role, "--role", role, "--research", "on", password=PASSWORD)
            print(f"{role} / {PASSWORD}   key {key}")
        print(f"Danas is ready at {stack.url} (home {stack.home})", flush=True)
        stop.wait()
    finally:
        stack.remove()


if __name__ == "__main__":
    main()
