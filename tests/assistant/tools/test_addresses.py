"""Tool servers at an address, by the official library and by hand; and one over pipes by it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from assistant.errors import ToolServerInvalid
from assistant.models import Allowance, ToolCall, ToolServer
from assistant.tools import calling
from assistant.tools.servers import configuring, listing
from inference.contracts import Call
from tests import factories
from tests.assistant.tools.test_calling import making
from tests.assistant.tools.test_servers import ECHO

pytestmark = pytest.mark.django_db
State = ToolCall.State
REAL = Path(__file__).with_name("real_server.py")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def real() -> Iterator[str]:
    """The address of a server that somebody else wrote."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(REAL), str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)

    yield f"http://127.0.0.1:{port}/mcp"

    process.kill()
    process.wait()


class Odd(BaseHTTPRequestHandler):
    """Answers with what its path says. `seen` are the headers of the last request."""

    seen: dict[str, str] = {}  # noqa: RUF012

    def do_POST(self) -> None:
        Odd.seen = dict(self.headers)
        self.rfile.read(int(self.headers["Content-Length"]))
        match self.path:
            case "/html":
                self._say(200, "text/html", b"<html>Sign in first</html>")
            case "/error":
                self._say(502, "text/html", b"<html>Bad gateway</html>")
            case "/json":
                self._say(200, "application/json", b'{"hello": "you"}')
            case "/elsewhere":
                self.send_response(307)
                self.send_header("Location", "http://example.invalid/mcp")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "/flood":
                self._flood()
            case "/hang":
                time.sleep(3)

    def do_DELETE(self) -> None:
        self._say(200, "text/plain", b"")

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _flood(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            for _ in range(1_000):
                self.wfile.write(b" " * 65_536)
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()

    yield f"http://127.0.0.1:{httpd.server_port}"

    httpd.shutdown()
    httpd.server_close()


def at(url: str, *, secrets=None, **values) -> ToolServer:
    facts = {"name": "far", "transport": "http", "url": url, "may_use_network": True}
    rest = {"allowance": Allowance.ALWAYS, "timeout_s": 5, **values}
    made = configuring.add(factories.ann(), {**facts, **rest}, secrets or {})
    ToolServer.objects.filter(pk=made.pk).update(listing=[ECHO])
    return made


def told(name: str = "far__echo", **arguments) -> ToolCall:
    call = Call("call_0", name, json.dumps(arguments or {"text": "hello"}))
    [made] = calling.begin(making(), 0, [call])
    return async_to_sync(calling.run)(made)


def test_a_server_of_the_official_library_is_listed_and_called(real):
    looked = listing.look(at(real))

    assert [tool["name"] for tool in looked.listing] == ["add", "fail"]
    assert told("far__add", first=2, second=3).result == "5"
    assert told("far__add", first=2, second="three").state == State.FAILED


def test_what_the_tool_says_went_wrong_reaches_the_policy(real):
    listing.look(at(real))
    [made] = calling.begin(making(), 0, [Call("c", "far__fail", "")])

    failed = async_to_sync(calling.run)(made)

    assert (failed.is_error, "No such luck." in failed.result) == (True, True)


def test_one_of_the_official_library_over_pipes(settings):
    settings.TOOL_PROGRAMS = True
    facts = {"name": "far", "transport": "stdio", "command": [sys.executable, str(REAL)]}
    row = configuring.add(
        factories.ann(), {**facts, "may_use_network": True, "allowance": "always"}, {}
    )

    looked = listing.look(row)

    assert [tool["name"] for tool in looked.listing] == ["add", "fail"]
    assert told("far__add", first=2, second=3).result == "5"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/html", "The server answered with an error: Unexpected content type: text/html"),
        ("/error", "The server answered with an error: Server returned an error response"),
        ("/no-answer", "The connection to the server broke."),
        ("/json", "The server answered with an error: Failed to parse JSON response"),
        ("/elsewhere", "The server answered with an error: Redirect to http://example.invalid"),
        ("/flood", "The server sent more than is taken."),
    ],
)
def test_a_server_that_says_something_else_fails_its_call_with_a_sentence(odd, path, said):
    at(odd + path)

    call = told()

    assert (call.state, call.is_error) == (State.FAILED, True)
    assert call.result.startswith(said)


def test_a_server_that_does_not_answer_is_given_up(odd):
    at(odd + "/hang", timeout_s=1)

    assert told().result == "The tool did not answer within 1 seconds."


def test_a_server_that_vanished_is_said_to_be_out_of_reach():
    at(f"http://127.0.0.1:{free_port()}/mcp")

    assert told().result == "The server can't be reached."


def test_secret_headers_are_sent_to_the_server(odd):
    at(odd + "/html", secrets={"Authorization": "Bearer hush"})

    told()

    assert Odd.seen["Authorization"] == "Bearer hush"


def test_a_server_is_not_called_once_the_network_is_taken_from_it(odd):
    row = at(odd + "/html")
    ToolServer.objects.filter(pk=row.pk).update(may_use_network=False)

    assert told().result == "An administrator has not allowed this server the network."


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://example.org"},
        {"url": "http://"},
        {"url": "http://[bad"},
        {"url": "https://ada:pw@example.org/mcp"},
        {"may_use_network": False},
        {"command": ["sh"]},
        {"name": "Far away"},
        {"transport": "stdio", "url": "", "command": ["sh"]},
    ],
)
def test_what_can_t_be_a_server_is_refused(wrong):
    facts = {"name": "far", "transport": "http", "url": "https://example.org/mcp"}

    with pytest.raises(ToolServerInvalid):
        configuring.add(factories.ann(), {**facts, "may_use_network": True, **wrong}, {})


def test_two_servers_of_a_name_are_refused():
    at("https://example.org/mcp")

    with pytest.raises(ToolServerInvalid, match="already"):
        at("https://example.org/other")


def test_secrets_are_never_sent_to_another_address_than_they_were_meant_for():
    row = at("https://example.org/mcp", secrets={"Authorization": "Bearer hush"})
    other = {"url": "https://evil.example/mcp"}

    with pytest.raises(ToolServerInvalid, match="anew"):
        configuring.change(factories.ann(), row.pk, other, None)

    changed = configuring.change(factories.ann(), row.pk, other, {"X-Key": "new"})
    assert configuring.secrets_of(changed) == {"X-Key": "new"}
    assert "hush" not in changed.sealed
