"""What a test takes for one hub is several, each with a copy of one log, and each call goes to the next of them.

A hub hears of what another appended a little later. So a call is passed on only when its hub has what the hubs of all
calls before it had: then several hubs must answer as one does, and any suite can be played on them.
"""

import asyncio
import http.client
import json
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle

from tests.support import shared_log
from tests.support.hub_process import HubProcess
from tests.support.waiting import WITHIN_SEC, wait_until

OF_ONE_HUB = ("/v1/shutdown", "/v1/network")
"""What concerns a hub itself and not the log: the first is asked."""


class Front:
    """Listens on a port and passes each request to the next hub, on connections of one request each.

    Args:
        port: where it listens.
        hubs: the ports of the hubs, of which those are asked that answer.
    """

    def __init__(self, port: int, hubs: Sequence[int]) -> None:
        self._hubs = hubs
        self._turns = cycle(hubs)
        self._head = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", port))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and end what is open."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(WITHIN_SEC)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed is told so in the next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                kept = [line for line in lines if line and not line.lower().startswith("connection:")]
                asked = "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1")
                path = first.split(" ")[1]
                hub = self._hubs[0] if path.startswith(OF_ONE_HUB) else next(self._turns)
                await self._wait_for(hub)
                await self._pass(hub, asked, reader, writer)
        finally:
            writer.close()  # also where the front is closed meanwhile

    async def _pass(self, hub: int, asked: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry a request to a hub and its answer back, until either side has ended."""
        answers, asks = await asyncio.open_connection("127.0.0.1", hub)
        asks.write(asked)
        there = asyncio.create_task(_carry(reader, asks))
        back = asyncio.create_task(self._answer(hub, answers, writer))
        try:
            await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        finally:
            there.cancel()
            back.cancel()
            asks.close()

    async def _answer(self, hub: int, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = True
        while data := await answers.read(65536):
            if first:  # before anybody has the answer, so that the next call finds what this one did
                self._head = max(self._head, await _head_of(hub))
                first = False
            writer.write(data)
            await writer.drain()

    async def _wait_for(self, hub: int) -> None:
        head = self._head
        if await _head_of(hub) < head:
            await asyncio.to_thread(wait_until, lambda: _ask_head(hub) >= head, what="what the hubs before it had")


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def _head_of(hub: int) -> int:
    return await asyncio.to_thread(_ask_head, hub)


def _ask_head(hub: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", hub, timeout=WITHIN_SEC)
    try:
        connection.request("GET", "/v1/health")
        return int(json.loads(connection.getresponse().read())["result"]["head"])
    except (OSError, http.client.HTTPException, KeyError, ValueError):
        return 0
    finally:
        connection.close()


def join(hub: HubProcess) -> HubProcess:
    """A hub on the log that its storage stands for; where several are to be played, all of them."""
    if not shared_log.IS_PLAYED:
        return hub
    url, storage = shared_log.url_for(hub.storage)
    options = [*hub.options, "--log", url]
    others = [
        HubProcess(
            hub.home,
            shared_log.url_for(hub.storage)[1],
            hub.spool_dir.with_name(f"{hub.spool_dir.name}-{number}"),
            options=options,
            environment=hub.environment,
        )
        for number in range(1, shared_log.HUBS)
    ]
    if not others:
        hub.storage, hub.options = storage, options
        return hub
    return HubsInTurn(hub.home, storage, hub.spool_dir, hub.port, options, hub.environment, others=others)


def leave(hub: HubProcess) -> None:
    """Their copies are for those who start on the storage next."""
    for one in (hub, *(hub.others if isinstance(hub, HubsInTurn) else ())):
        shared_log.leave(one.storage)


@dataclass
class HubsInTurn(HubProcess):
    """Several hubs behind a front; they are started and ended together.

    Attributes:
        others: those beside the first, which is this one's own process.
    """

    others: Sequence[HubProcess] = ()
    front: Front | None = None

    def start(self) -> "HubsInTurn":
        own = HubProcess(self.home, self.storage, self.spool_dir, options=self.options, environment=self.environment)
        members = [own, *self.others]
        for member in members:
            member.start()
        self.process = own.process
        self.front = Front(self.port, [member.port for member in members])
        wait_until(self._answers, what="the front")
        return self

    def _end(self, by: signal.Signals) -> int:
        if self.front is not None:
            self.front.close()
            self.front = None
        for other in self.others:
            other._end(by)
        return super()._end(by)
