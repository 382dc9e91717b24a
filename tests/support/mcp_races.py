"""Polls that are given up at the moment when a message comes, and the account of what the host got to read."""

import asyncio
import json
import random
import select
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from tests.support.mcp_hosts import text_of
from tests.support.waiting import WITHIN_SEC

SEED = 20_261_129
JITTER_SEC = 0.004
"""How far before or after the host gives up a message comes."""
MAX_TRIES = 20
LATE = b"HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

GiveUp = Callable[[Client, float], Coroutine[Any, Any, CallToolResult]]
"""Polls, and gives up after some seconds: by an exception, when there is no answer by then."""


class Posts(Protocol):
    """A hub, as far as a teller needs it."""

    def post(self, path: str, body: object) -> Any: ...


class Account:
    """What was said, and what the host has read of it."""

    def __init__(self, hub: Posts) -> None:
        self._hub = hub
        self.said: list[str] = []
        self.read: set[str] = set()

    async def say(self) -> None:
        """Have somebody else say the next thing."""
        body = f"message {len(self.said)}"
        self.said.append(body)
        await asyncio.to_thread(self._hub.post, "/v1/messages", {"from_agent": "teller", "body": body})

    def take(self, answer: dict[str, Any]) -> int:
        """The host has read an answer; returns how many messages it showed."""
        for message in answer["messages"]:
            body = message["body"]
            if body in self.read:
                assert message.get("again"), f"{body!r} was shown twice, and does not say so"
            self.read.add(body)
        return len(answer["messages"])

    def check(self) -> None:
        """Nothing that was said is missing."""
        lost = [body for body in self.said if body not in self.read]
        assert not lost, f"{len(lost)} of {len(self.said)} were lost, first {lost[:3]}"


async def race(
    client: Client, hub: Posts, give_up: GiveUp, count: int, after_sec: float = 0.03, seed: int = SEED
) -> Account:
    """Give up `count` polls, each about when a message comes, and read what there is at the end."""
    chance = random.Random(seed)  # noqa: S311 - chance for tests, not for secrets
    account = Account(hub)
    await poll(client, account)
    for _ in range(count):
        polling = asyncio.create_task(give_up(client, after_sec))
        await asyncio.sleep(after_sec + chance.uniform(-JITTER_SEC, JITTER_SEC))
        await account.say()
        try:
            answer = await polling
        except Exception:  # noqa: BLE001, S112 - each way of giving up has an error of its own
            continue
        account.take(json.loads(text_of(answer)))
    while await poll(client, account):
        pass
    account.check()
    return account


async def poll(client: Client, account: Account) -> int:
    """Poll without waiting, again if something on the way gives up, and read what is shown."""
    for _ in range(MAX_TRIES):
        with suppress(MCPError):
            result = await client.call_tool("arc_poll_messages", {"timeout": 0})
            assert isinstance(result, CallToolResult)
            assert not result.is_error, text_of(result)
            return account.take(json.loads(text_of(result)))
    raise AssertionError(f"no answer in {MAX_TRIES} tries")


class GivingUpProxy:
    """A proxy that closes both ends when an answer takes too long, as many do."""

    def __init__(self, port: int, after_sec: float) -> None:
        self._target = port
        self._after_sec = after_sec
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Take no more connections; those that there are end with either side."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody who accepts
        self._listener.close()
        self._accepting.join(WITHIN_SEC)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Carry what comes either way, until an answer is late."""
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._target)) as hub:
            patience: float | None = None  # None while nothing is asked
            while ready := select.select((client, hub), (), (), patience)[0]:
                if hub in ready:
                    answer = hub.recv(262_144)
                    client.sendall(answer)
                    patience = None
                    if not answer:
                        return
                if client in ready:
                    request = client.recv(65_536)
                    hub.sendall(request)
                    patience = self._after_sec
                    if not request:
                        return
            hub.close()
            client.sendall(LATE)


@contextmanager
def giving_up_proxy(port: int, after_sec: float) -> Iterator[GivingUpProxy]:
    """A proxy in front of the hub on a port, closed at the end of the block."""
    proxy = GivingUpProxy(port, after_sec)
    try:
        yield proxy
    finally:
        proxy.close()
