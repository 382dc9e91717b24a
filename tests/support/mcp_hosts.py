"""MCP hosts: the official SDK's client over both roads, and a host that sends whatever lines a test gives it."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent

from arc.host_session import PROCESS_VARIABLES, SESSION_VARIABLES
from tests.support.hub_process import CHECKOUT
from tests.support.waiting import WITHIN_SEC

Era = Literal["auto", "legacy"]
"""`auto` settles on the newest revision, without a handshake; `legacy` opens with one."""

ERAS: tuple[Era, ...] = ("auto", "legacy")
ANSWER_WITHIN_SEC = 60.0
OF_A_HOST = {variable for _host, variable in (*SESSION_VARIABLES, *PROCESS_VARIABLES)}
"""What the host that runs the tests may have put into the environment."""
COMMAND = (sys.executable, "-m", "arc", "mcp")


def over_http(url: str, agent: str, era: Era = "auto") -> AbstractAsyncContextManager[Client]:
    """The SDK's client at the hub's own `/mcp`."""
    return Client(f"{url}/mcp?agent={agent}", mode=era)


def over_stdio(url: str, agent: str, era: Era = "auto") -> AbstractAsyncContextManager[Client]:
    """The SDK's client with `arc mcp` as its server."""
    arguments = [*COMMAND[1:], "--agent", agent, "--base-url", url]
    surroundings = {"PYTHONPATH": str(CHECKOUT)}
    return Client(stdio_client(StdioServerParameters(command=COMMAND[0], args=arguments, env=surroundings)), mode=era)


ROADS = {"http": over_http, "stdio": over_stdio}


async def call(client: Client, tool: str, /, **arguments: Any) -> Any:
    """What a tool answers, decoded; an error fails the test and shows what was said."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, f"{tool}: {text_of(result)}"
    return json.loads(text_of(result))


async def call_in_vain(client: Client, tool: str, /, **arguments: Any) -> str:
    """What a tool says when it cannot be done."""
    result = await client.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert result.is_error, f"{tool} was done: {text_of(result)}"
    return text_of(result)


def text_of(result: CallToolResult) -> str:
    """The first text of an answer."""
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text


class LineHost:
    """`arc mcp` as a process, with its lines in a test's own hands."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, line: bytes) -> None:
        """Send bytes as they are, and an end of line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def tell(self, message: object) -> None:
        """Send a message as JSON."""
        self.send(json.dumps(message).encode())

    def hear(self, within_sec: float = ANSWER_WITHIN_SEC) -> Any:
        """The next line, which must be JSON; None when there are no more."""
        line = self._lines.get(timeout=within_sec)
        return json.loads(line) if line else None

    def hear_all(self, within_sec: float = 0.2) -> list[Any]:
        """Every line that comes until none has come for a while."""
        heard = []
        with suppress(queue.Empty):
            while True:
                heard.append(self.hear(within_sec))
        return heard

    def ask(self, method: str, params: object = None, /, *, request_id: int | str = "ask") -> Any:
        """Send a request and return its reply; every other message before it fails the test."""
        self.tell({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params or {}})
        reply = self.hear()
        assert reply["id"] == request_id, reply
        return reply

    def open(self) -> Any:
        """The handshake."""
        client = {"name": "test", "version": "1"}
        welcome = self.ask(
            "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}, request_id="open"
        )
        self.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return welcome["result"]

    def call(self, tool: str, /, **arguments: Any) -> Any:
        """The result of a tool."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]

    def shown(self, tool: str, /, **arguments: Any) -> Any:
        """What a tool answers, decoded."""
        result = self.call(tool, **arguments)
        assert not result.get("isError"), result
        return json.loads(result["content"][0]["text"])

    def close(self) -> int:
        """Send no more, and return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WITHIN_SEC)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")


@contextmanager
def line_host(
    url: str,
    agent: str | None,
    log: Path,
    path: Path | None = None,
    *,
    starter: Path | None = None,
    environment: Mapping[str, str] | None = None,
    parent: str | None = None,
) -> Iterator[LineHost]:
    """A host of `arc mcp`, ended at the end of the block.

    Args:
        url: where the hub listens.
        agent: who speaks; None lets the adapter find out.
        log: takes what the adapter says beside the protocol.
        path: a folder with modules that the adapter is to find.
        starter: a shell that starts the adapter, as a host does.
        environment: what the host puts into the environment.
        parent: the agent whose sub-agent it is.
    """
    search = str(CHECKOUT) if path is None else f"{CHECKOUT}{os.pathsep}{path}"
    named = [*([] if agent is None else ["--agent", agent]), *([] if parent is None else ["--parent", parent])]
    start = [] if starter is None else [str(starter), "-c", '"$@"; exit $?', "host"]
    surroundings = {name: value for name, value in os.environ.items() if name not in OF_A_HOST}
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*start, *COMMAND, *named, "--base-url", url],
            env={**surroundings, "PYTHONPATH": search, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield LineHost(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # what was not sent any more
                stream.close()
