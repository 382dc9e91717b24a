"""A relay on a thread of its own, and a stand-in for the hub that does each key once."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from relay.relay import Relay
from relay.remote import HttpSend
from relay.send import Send
from relay.spool import Spool
from tests.support.waiting import WITHIN_SEC, wait_until


class StandIn:
    """A hub that remembers what it was asked, and what it did."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.done: dict[str, bytes] = {}
        self.before: Callable[[str, str], Awaitable[None]] | None = None
        """Awaited before a call is answered."""

    async def __call__(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.calls.append((method, path, json.loads(body) if body else None))
        if self.before is not None:
            await self.before(method, path)
        if method == "GET":
            return 200, json.dumps({"ok": True, "result": len(self.calls)}).encode()
        key = headers["Idempotency-Key"]
        self.done.setdefault(key, json.dumps({"ok": True, "result": {"id": len(self.done) + 1}}).encode())
        return 201, self.done[key]

    @property
    def bodies(self) -> list[Any]:
        """The bodies of all writes, in the order in which they came."""
        return [body for method, _, body in self.calls if method != "GET"]


@contextmanager
def serving(spool: Spool | Path, send: Send, **options: Any) -> Iterator[Relay]:
    """Run a relay on a thread with an event loop of its own, and close it at the end."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Relay]] = []
    failed: list[BaseException] = []

    async def serve() -> None:
        relay = Relay(spool if isinstance(spool, Spool) else Spool(spool), send, **options)
        running, ending = asyncio.create_task(relay.run()), asyncio.Event()
        started.append((asyncio.get_running_loop(), ending, relay))
        await asyncio.wait({running, asyncio.create_task(ending.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await relay.aclose(grace_sec=0.2)
        if isinstance(send, HttpSend):
            await send.aclose()
        await running

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  # raised below, on the test's own thread
            failed.append(error)

    thread = threading.Thread(target=run, name="relay under test", daemon=True)
    thread.start()
    try:
        loop, ending, relay = wait_until(lambda: started, what="the relay's start")[0]
        yield relay
    finally:
        with suppress(RuntimeError):  # it has ended by itself
            loop.call_soon_threadsafe(ending.set)
        thread.join(WITHIN_SEC)
        assert not thread.is_alive()
    if failed:
        raise failed[0]


def hand_in(spool: Path, folder: str, stem: str, content: bytes | dict[str, Any]) -> None:
    """Put a request into the spool as a client does: written under another name, then renamed."""
    place = spool / "requests" / folder
    place.mkdir(parents=True, exist_ok=True)
    unfinished = place / f"{stem}.tmp"
    unfinished.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    unfinished.rename(place / f"{stem}.json")


def get_response(spool: Path, folder: str, stem: str, *, within_sec: float = WITHIN_SEC) -> dict[str, Any]:
    """The response to a request, as soon as it is there."""
    place = spool / "responses" / folder / f"{stem}.json"
    wait_until(lambda: place.is_file() and place.stat().st_size, within_sec=within_sec, what=f"the response {place}")
    response: dict[str, Any] = json.loads(place.read_bytes())
    return response


def post(**body: Any) -> dict[str, Any]:
    """A request to post a message."""
    return {"method": "POST", "path": "/v1/messages", "body": body}
