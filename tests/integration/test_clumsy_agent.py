"""Agents that are clumsy cost nobody else their time: no read takes long for what it does not return.

They never give a lock back, post into threads of their own, and put pages of text into the metadata of what they hold.
"""

import http.client
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import ArcError
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from tests.support.hub_process import HubProcess
from tests.support.recorders import execute_all, recording

MESSAGES, THREADS, LOCKS, CLAIMS, SESSIONS = 100_000, 5_000, 10_000, 300, 1_000
LONG: Final = {"note": "x" * 60_000}
LONG_LIVED: Final = 86_400
MOST_MS: Final = 50.0
BOUNDED: Final = 2_000_000
"""Answers that are longer are not judged by their time."""

READS: Final = (
    "/v1/agents?capability=zzz",
    "/v1/agents?as_of=0",
    "/v1/agents",
    "/v1/bootstrap?agent_id=agent-5",
    "/v1/channels",
    "/v1/threads",
    "/v1/threads?as_of=0",
    "/v1/threads?as_of={middle}",
    "/v1/threads/thread-1",
    "/v1/threads/thread-1?as_of={middle}",
    "/v1/claims",
    "/v1/claims?active_only=true",
    "/v1/claims?thread_id=thread-1",
    "/v1/claims?thread_id=nothing-here",
    "/v1/claims?as_of=0&active_only=true",
    "/v1/claims?as_of={middle}&active_only=true",
    "/v1/locks",
    "/v1/locks?active_only=true",
    "/v1/locks?agent_id=agent-3",
    "/v1/locks?agent_id=agent-3&active_only=true",
    "/v1/locks?agent_id=nobody",
    "/v1/locks?agent_id=nobody&active_only=true",
    "/v1/locks?as_of=0&active_only=true",
    "/v1/locks?as_of={middle}&active_only=true",
    "/v1/tasks",
    "/v1/tasks?status=open",
    "/v1/tasks?thread_id=thread-1",
    "/v1/messages?channel=general&tail=1&limit=50",
    "/v1/messages?channel=general&limit=500",
    "/v1/inbox/agent-1",
    "/v1/log?tail=1&limit=5",
    "/v1/log?stream=lock/&tail=1&limit=50",
    "/v1/log?actor=agent-3&limit=5",
    "/v1/health",
)


def carry_out(recorder: Recorder, commands: list[Command]) -> None:
    for begin in range(0, len(commands), 500):
        answers = execute_all(recorder, commands[begin : begin + 500])
        assert not [answer for answer in answers if isinstance(answer, ArcError)]


def make_storage(path: Path, part: float) -> int:
    """A storage that clumsy agents have used, or `part` of it; the id of its last event."""
    threads = int(THREADS * part)
    kinds = {1: "artifact", 2: "task"}
    with recording(path, presence_ttl=LONG_LIVED * 1_000_000) as recorder:
        carry_out(
            recorder,
            [
                PostMessage(
                    from_agent=f"agent-{number % 1000}",
                    to_agent=f"agent-{number % 7}" if number % 10 == 0 else None,
                    kind=kinds.get(number % 50, "chat"),
                    body="a short message",
                    thread_id=f"thread-{number % threads}",
                )
                for number in range(int(MESSAGES * part))
            ],
        )
        carry_out(
            recorder,
            [
                AcquireLock(
                    agent_id=f"agent-{number % 1000}",
                    file_path=f"src/{number}.py",
                    ttl_sec=LONG_LIVED,
                    metadata={"thread_id": f"thread-{number % threads}", "why": "y" * 60},
                )
                for number in range(int(LOCKS * part))
            ],
        )
        carry_out(
            recorder,
            [
                AcquireClaim(
                    owner_agent_id=f"agent-{number % 1000}",
                    claim_key=f"work-{number}",
                    thread_id=f"thread-{number % threads}",
                    ttl_sec=LONG_LIVED,
                    metadata=LONG,
                )
                for number in range(int(CLAIMS * part))
            ],
        )
        carry_out(
            recorder,
            [
                OpenSession(agent_id=f"agent-{number}", capabilities=["code"], metadata=LONG, replace=True)
                for number in range(int(SESSIONS * part))
            ],
        )
        return recorder.last_event_id


@pytest.fixture
def crowded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[HubProcess, int]]:
    """A hub on such a storage, and the last event."""
    head = make_storage(tmp_path / "arc.sqlite3", request.param)
    hub = HubProcess.at(tmp_path, "--presence-ttl-sec", "86400").start()
    yield hub, head
    hub.stop()


@pytest.mark.parametrize(
    "crowded", [0.3, pytest.param(1.0, marks=[pytest.mark.soak, pytest.mark.timeout(600)])], indirect=True
)
def test_no_read_takes_long_for_what_it_does_not_return(crowded: tuple[HubProcess, int]) -> None:
    hub, head = crowded
    slow = dict[str, float]()
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)) as connection:
        for read in READS:
            path = read.format(middle=head // 2)
            best, size = min(_take(connection, path) for _ in range(5))
            if size <= BOUNDED and best > MOST_MS:
                slow[path] = round(best, 1)
    assert slow == {}


def _take(connection: http.client.HTTPConnection, path: str) -> tuple[float, int]:
    """How many milliseconds a read took, and how many bytes it gave."""
    began = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    size = len(response.read())
    assert response.status == 200, path
    return (time.perf_counter() - began) * 1000, size
