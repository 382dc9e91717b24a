"""Many hubs on one log, and many agents at each: everybody hears everything, and nothing is lost or there twice."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from arclog.events import MessagePosted
from tests.support.hub_process import HubProcess
from tests.support.machines import events_of, machines
from tests.support.postgresql import Server, new_log
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

HUBS = int(os.environ.get("ARC_HUBS", "20"))
AGENTS = int(os.environ.get("ARC_AGENTS", "2000"))
FOR_SEC = float(os.environ.get("ARC_SEC", "300"))
EACH_SEC = float(os.environ.get("ARC_EACH_SEC", "120"))
"""How often an agent says something; otherwise it waits, as agents mostly do."""


LATE_SEC = 60.0
"""What is said so long before the end has been heard by then, however busy the machine is."""


class Agent:
    """Waits for what is said in its thread, and says something now and then; over two connections of its own.

    Args:
        hub: where.
        name: who it is.
        thread: what it listens to.
    """

    def __init__(self, hub: HubProcess, name: str, thread: str) -> None:
        self.port = hub.port
        self.name = name
        self.thread = thread
        self.said: dict[str, int] = {}
        self.heard: list[int] = []
        self.sent_at: dict[int, float] = {}
        self.heard_at: dict[int, float] = {}
        self.times: list[float] = []
        self.refused = 0
        """How often the log was busy, and the same was asked again under its key."""

    async def live(self, until: float) -> None:
        async with asyncio.TaskGroup() as living:
            living.create_task(self._listen(until))
            living.create_task(self._speak(until))

    async def _speak(self, until: float) -> None:
        await asyncio.sleep(hash(self.name) % 1000 / 1000 * EACH_SEC)
        number = 0
        while time.monotonic() < until:
            number += 1
            body = f"{self.name} {number}"
            asked = {"from_agent": self.name, "channel": "general", "thread_id": self.thread, "body": body}
            began = time.perf_counter()
            answer = await self._ask("POST", "/v1/messages", asked, f"{self.name}-{number}")
            self.times.append(time.perf_counter() - began)
            self.said[body] = answer["result"]["id"]
            self.sent_at[answer["result"]["id"]] = began
            await asyncio.sleep(EACH_SEC)

    async def _listen(self, until: float) -> None:
        reached = 0
        while time.monotonic() < until:
            path = f"/v1/messages?thread_id={self.thread}&since_id={reached}&timeout=20&limit=500"
            for message in (await self._ask("GET", path))["result"]:
                reached = message["id"]
                self.heard.append(reached)
                self.heard_at[reached] = time.perf_counter()

    async def _ask(self, method: str, path: str, body: object = None, key: str = "") -> Any:
        while True:
            status, found = await self._call(method, path, body, key)
            if status != 503:
                assert found["ok"], found
                return found
            self.refused += 1
            await asyncio.sleep(1)  # as `Retry-After` says

    async def _call(self, method: str, path: str, body: object, key: str) -> tuple[int, Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            payload = b"" if body is None else json.dumps(body).encode()
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            head += f"Content-Length: {len(payload)}\r\n"
            head += f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n" if payload else ""
            writer.write(head.encode() + b"\r\n" + payload)
            answer = await reader.read()
        finally:
            writer.close()
        return int(answer.split(maxsplit=2)[1]), json.loads(answer.partition(b"\r\n\r\n")[2])


def test_twenty_hubs_and_two_thousand_agents(server: Server, tmp_path: Path) -> None:
    url = new_log(server)
    with machines(tmp_path, url, HUBS) as hubs:
        agents = [Agent(hubs[n % HUBS], f"agent-{n}", f"t{n // HUBS % 100}") for n in range(AGENTS)]

        async def run() -> None:
            until = time.monotonic() + FOR_SEC
            async with asyncio.TaskGroup() as living:  # where one fails, the others end
                for agent in agents:
                    living.create_task(agent.live(until))

        asyncio.run(run())
        said = {body: event_id for agent in agents for body, event_id in agent.said.items()}
        head = max(hub.get("/v1/health").result["head"] for hub in hubs)
        for hub in hubs:
            wait_until(lambda hub=hub: hub.get("/v1/health").result["head"] >= head, what="the copy")  # type: ignore[misc]
        log = events_of(hubs[0])[:head]
        posted = {data.body: e.event_id for e in log if isinstance(data := e.decode().data, MessagePosted)}
        assert {body: posted.get(body) for body in said} == said
        assert [event.event_id for event in log] == list(range(1, head + 1))
        for hub in hubs[1:]:
            assert events_of(hub)[:head] == log
        assert [hub.get("/v1/health").result["status"] for hub in hubs] == ["ok"] * HUBS
        sent_at = {event_id: at for agent in agents for event_id, at in agent.sent_at.items()}
        said_in: dict[str, set[int]] = {}
        for agent in agents:
            said_in.setdefault(agent.thread, set()).update(agent.sent_at)
        last = max(sent_at.values()) - LATE_SEC
        for agent in agents:
            assert agent.heard == sorted(set(agent.heard))
            assert {one for one in said_in[agent.thread] if sent_at[one] < last} <= set(agent.heard)
        delays = [at - sent_at[one] for agent in agents for one, at in agent.heard_at.items() if one in sent_at]
        posts = [seconds for agent in agents for seconds in agent.times]
        sys.stdout.write(
            f"{HUBS} hubs, {AGENTS} agents, {FOR_SEC:.0f} s: {len(said)} posts ({len(said) / FOR_SEC:.0f}/s), kept, "
            f"answered after {_figures(posts)}; {len(delays)} deliveries, heard after {_figures(delays)}; "
            f"0 errors, {sum(agent.refused for agent in agents)} asked again; "
            f"one digest {log[-1].digest.hex()[:12]} at event {head}; memory of a hub {_memory_mb(hubs)} MB\n"
        )


def _figures(seconds: list[float]) -> str:
    found = sorted(seconds)
    p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
    return f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {found[-1] * 1000:.0f} ms"


def _memory_mb(hubs: list[HubProcess]) -> str:
    found = []
    for hub in hubs:
        assert hub.process is not None
        status = Path(f"/proc/{hub.process.pid}/status").read_text()
        found.append(int(status.split("VmRSS:")[1].split()[0]) // 1024)
    return f"{min(found)} to {max(found)}"
