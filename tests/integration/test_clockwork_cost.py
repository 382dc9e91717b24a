"""Whatever comes to be over at one moment, nobody else waits for long."""

import asyncio
import time
from pathlib import Path

from api.app import create_app
from api.http.inprocess import call
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import OpenSession
from arclog.events import SessionExpired
from projections import sessions
from projections.hub.command_handlers import Command
from projections.hub.hub import Hub
from tests.support.hubs import on_hubs
from tests.support.recorders import events_in, execute_all, post, recording
from tests.support.turns import watching_turns

SESSIONS, LOCKS, CLAIMS = 1_000, 10_000, 300
LONG_TTL = 3_600_000_000
TTL_SEC = 2.0
LONGEST_TURN_SEC = 0.05


def test_a_thousand_sessions_that_are_over_at_once_hold_nobody_up(storage: Path) -> None:
    with recording(storage, presence_ttl=LONG_TTL) as recorder:
        commands: list[Command] = [OpenSession(agent_id=f"a{number}") for number in range(SESSIONS)]
        commands += [
            AcquireLock(agent_id=f"a{number % SESSIONS}", file_path=f"src/{number}.py", ttl_sec=3600)
            for number in range(LOCKS)
        ]
        commands += [
            AcquireClaim(
                owner_agent_id=f"a{number}", claim_key=f"k{number}", ttl_sec=3600, metadata={"x": "y" * 65_000}
            )
            for number in range(CLAIMS)
        ]
        for first in range(0, len(commands), 500):
            execute_all(recorder, commands[first : first + 500])
    waits: list[float] = []

    async def story(hub: Hub) -> None:
        while hub.read(sessions.list_live):
            began_at = time.monotonic()
            await hub.execute(post("somebody else"))
            waits.append(time.monotonic() - began_at)
            await asyncio.sleep(0.002)

    with watching_turns() as turns:
        on_hubs(storage, story, presence_ttl_sec=TTL_SEC)
    assert turns.longest_sec < LONGEST_TURN_SEC, turns.longest
    ends = [event.data for event in events_in(storage) if isinstance(event.data, SessionExpired)]
    assert (len(ends), sum(len(end.locks) for end in ends), sum(len(end.claims) for end in ends)) == (
        SESSIONS,
        LOCKS,
        CLAIMS,
    )
    # The machine that tests run on may itself hold a call up now and then.
    waits.sort()
    assert waits[len(waits) // 2] < 0.05
    assert waits[-1] < 0.5


def test_ten_thousand_long_lines_in_one_request_hold_nobody_up(storage: Path) -> None:
    lines = b"".join(b'{"from_agent": "a", "body": "%s %d"}\n' % (b"x" * 1_500, number) for number in range(10_000))

    async def story(hub: Hub) -> None:
        answer = await call(create_app(hub), "POST", "/v1/messages:batch", lines, (), "http")
        assert (answer.status, answer.body.count(b"\n")) == (200, 10_000)

    with watching_turns() as turns:
        on_hubs(storage, story)
    assert turns.longest_sec < LONGEST_TURN_SEC, turns.longest
