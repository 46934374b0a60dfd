"""A tool server that behaves as it is told: `python bad_server.py MODE`.

JSON-RPC by hand, so that it can do what no library would, and starts at once.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

MODE = sys.argv[1]
asked_before = 0
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def send(message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(asked: dict[str, Any], result: Any) -> None:
    send({"jsonrpc": "2.0", "id": asked["id"], "result": result})


def tools() -> list[dict[str, Any]]:
    if MODE == "many":
        return [{"name": f"tool {n}", "inputSchema": {"type": "object"}} for n in range(100)]
    if MODE == "odd":
        return [
            {"name": "fine", "description": "x" * 5_000, "inputSchema": SCHEMA},
            {"name": "broken", "inputSchema": {"type": "object", "properties": {"x": {"type": 5}}}},
            {"name": "large", "inputSchema": {"type": "object", "description": "x" * 9_000}},
            {"name": "n" * 300, "inputSchema": SCHEMA},
        ]
    echo = {"name": "echo", "description": "Says it again.", "inputSchema": SCHEMA}
    if MODE == "unlike":
        number = {"type": "object", "properties": {"sum": {"type": "number"}}}
        return [{**echo, "outputSchema": number}]
    return [echo]


def call(asked: dict[str, Any]) -> None:
    text = asked["params"]["arguments"]["text"]
    match MODE:
        case "hang":
            subprocess.Popen(["sleep", "600"])
            time.sleep(600)
        case "flood":
            while True:
                sys.stdout.write("x" * 65_536)
        case "flood-lines":
            while True:
                sys.stdout.write("x" * 1_000 + "\n")
        case "complain":
            sys.stderr.write("x" * 1_000_000)
        case "crash":
            os._exit(3)
        case "html":
            sys.stdout.write("<html><body>502 Bad Gateway</body></html>\n")
        case "nonsense":
            answer(asked, {"content": "not a list"})
            return
        case "refuse":
            send({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -1, "message": "No."}})
            return
        case "network":
            text = reach(text)
        case "environment":
            text = f"{os.environ.get('TOKEN')} {sorted(os.environ)} {os.getcwd()}"
        case "count":
            global asked_before
            asked_before += 1
            text = f"{os.getpid()} {asked_before}"
        case "once":
            threading.Timer(0.2, os._exit, [0]).start()
        case "unlike":
            answer(asked, {"content": [], "structuredContent": {"sum": "five"}})
            return
        case "long":
            text = "x" * 300_000
        case "fail":
            failed = {"content": [{"type": "text", "text": "It broke."}], "isError": True}
            answer(asked, failed)
            return
    answer(asked, {"content": [{"type": "text", "text": text}]})


def reach(port: str) -> str:
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=2).close()
    except OSError as error:
        return f"no network: {type(error).__name__}"
    return "connected"


def main() -> None:
    if MODE == "dead":
        sys.exit("There is no key.")
    if MODE == "page":
        sys.stdout.write("<html>hello</html>\n" * 10)
        sys.stdout.flush()
        time.sleep(600)
    for line in sys.stdin:
        asked = json.loads(line)
        match asked["method"]:
            case "initialize":
                version = asked["params"]["protocolVersion"]
                known = {"protocolVersion": version, "capabilities": {"tools": {}}}
                answer(asked, {**known, "serverInfo": {"name": "bad", "version": "1"}})
            case "tools/list":
                answer(asked, {"tools": tools()})
            case "tools/call":
                call(asked)
            case _ if "id" in asked:
                error = {"code": -32601, "message": "Method not found"}
                send({"jsonrpc": "2.0", "id": asked["id"], "error": error})


main()
