"""Processes: a session of one is present while it lives, and hubs whose processes live share a presence TTL."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from arc.host_session import HostSession
from arclog.deciders.sessions import OpenSession
from arclog.events import HubStarted
from arclog.events.processes import Process
from projections.hub.processes import _find_start, find_own, is_alive
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.hubs import running
from tests.support.recorders import TTL_SEC, events_in, live_agents

OWN = find_own()
pytestmark = pytest.mark.skipif(OWN is None, reason="the system does not tell when a process was started")


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until its input ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as it:
        yield it


def process_of(program: subprocess.Popen[bytes]) -> Process:
    started = _find_start(program.pid)
    assert OWN is not None
    assert started is not None
    return Process(program.pid, started, OWN.boot_id)


def end(program: subprocess.Popen[bytes]) -> None:
    assert program.stdin is not None
    program.stdin.close()
    program.wait(30)


def idle(recorder: Recorder, time: FakeTime, seconds: float) -> None:
    stop = time.wall() + round(seconds * 1_000_000)
    while time.wall() < stop:
        time.pass_micros(max(1, min(recorder._clocks.next_due_at, stop) - time.wall()))
        if recorder.is_due():
            recorder.transact([])


def test_a_process_lives_until_it_ends(program: subprocess.Popen[bytes]) -> None:
    process = process_of(program)
    assert is_alive(process)
    assert not is_alive(Process(process.pid, process.started + 1, process.boot_id)), "another of the same number"
    assert not is_alive(Process(process.pid, process.started, "another boot")), "another machine's"
    end(program)
    assert not is_alive(process)


def test_an_agent_is_present_while_its_process_lives(
    recorder: Recorder, storage: Path, time: FakeTime, program: subprocess.Popen[bytes]
) -> None:
    recorder.execute(OpenSession(agent_id="a", process=process_of(program)))
    recorder.execute(OpenSession(agent_id="b"))
    idle(recorder, time, 10 * TTL_SEC)
    assert live_agents(storage) == ["a"]
    end(program)
    idle(recorder, time, 2 * TTL_SEC)
    assert live_agents(storage) == []


async def _start(storage: Path, ttls: tuple[float, ...]) -> list[float]:

    async with AsyncExitStack() as stack:
        hubs = [await stack.enter_async_context(running(storage, presence_ttl_sec=ttl)) for ttl in ttls]
        assert [hub._recorder.presence.ttl for hub in hubs] == [round(hub.presence_ttl_sec * 1e6) for hub in hubs]
        return [hub.presence_ttl_sec for hub in hubs]


def test_a_hub_takes_the_presence_ttl_of_those_that_run_on_its_storage(storage: Path) -> None:

    assert asyncio.run(_start(storage, (120, 5))) == [120, 120]
    assert asyncio.run(_start(storage, (5,))) == [5], "those that stopped have no say"
    told = [event.data.presence_ttl_sec for event in events_in(storage) if isinstance(event.data, HubStarted)]
    assert told == [120, 120, 5]


def test_the_session_of_a_host_names_its_process_so_that_the_hub_finds_it(program: subprocess.Popen[bytes]) -> None:
    told = HostSession("claude", "session", program.pid).to_process()
    assert told is not None
    assert Process(**told) == process_of(program)
    end(program)
    assert HostSession("claude", "session", program.pid).to_process() is None
