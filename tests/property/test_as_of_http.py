"""Time travel over HTTP: every read as of event N is the read of a hub that only ever had the first N events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from api.app import create_app
from api.http.inprocess import call
from projections.hub.hub import Hub
from projections.hub.settings import Settings
from projections.moving.transfer import fork
from tests.property.histories import AGENTS, CHANNELS, THREADS, Player, Step, fresh_storage, histories
from tests.support.fake_time import FakeTime
from tests.support.recorders import PRESENCE_TTL, events_in, recording

READS = (
    "/v1/agents",
    "/v1/agents?capability=test",
    "/v1/channels",
    "/v1/threads",
    "/v1/threads/nothing",
    "/v1/claims",
    "/v1/claims?active_only=1",
    "/v1/locks",
    "/v1/locks?active_only=1&agent_id=a",
    "/v1/tasks",
    "/v1/tasks?status=open",
    "/v1/tasks?status=done&channel=general",
    "/v1/tasks?parent_id=3",
    *(f"/v1/bootstrap?agent_id={agent}" for agent in AGENTS),
    *(f"/v1/inbox/{agent}?since_id=2&limit=3" for agent in AGENTS),
    *(f"/v1/inbox/{agent}?tail=1&limit=2" for agent in AGENTS),
    *(f"/v1/events?agent_id={agent}&exclude_self=1" for agent in AGENTS),
    *(f"/v1/events?agent_id={agent}&since_id=4&limit=3" for agent in AGENTS),
    *(f"/v1/messages?channel={channel}" for channel in CHANNELS),
    *(f"/v1/messages?channel={channel}&tail=1&limit=2" for channel in CHANNELS),
    *(f"/v1/messages?thread_id={thread}" for thread in THREADS),
    *(f"/v1/events?agent_id=a&thread_id={thread}" for thread in THREADS),
    *(f"/v1/threads/{thread}?since_id=2" for thread in THREADS),
    *(f"/v1/claims?thread_id={thread}" for thread in THREADS),
    *(f"/v1/tasks?thread_id={thread}" for thread in THREADS),
)

OFTEN = settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
SOAK = settings(OFTEN, max_examples=300, derandomize=False)


@asynccontextmanager
async def served(storage: Path, time: FakeTime) -> AsyncIterator[ASGIApp]:
    """The application of a hub on `storage`, which notes nobody's presence: its clock stands still."""
    hub = Hub(Settings(storage=storage, presence_ttl_sec=PRESENCE_TTL / 1e6), time)
    await hub.start()
    hub.attendance.see = _not_seen  # type: ignore[method-assign]
    try:
        yield create_app(hub)
    finally:
        await hub.stop()


def _not_seen(agent_id: str) -> None:
    """Reads leave no sign of life."""


async def ask(app: ASGIApp, path: str) -> tuple[int, Any, str | None]:
    answer = await call(app, "GET", path, b"", (), "relay")
    return answer.status, json.loads(answer.body), answer.headers.get("x-arc-as-of")


async def compare(folder: Path, storage: Path, time: FakeTime, moments: set[int]) -> None:
    events = events_in(storage)
    async with served(storage, time) as full:
        for event_id in sorted({1 + moment % len(events) for moment in moments}):
            early = folder / f"first-{event_id}.sqlite3"
            fork(storage, early, event_id)
            at = events[event_id - 1].recorded_at
            async with served(early, FakeTime(wall=at)) as first:
                for path in READS:
                    then = await ask(first, path)
                    since = await ask(full, f"{path}{'&' if '?' in path else '?'}as_of={event_id}")
                    assert since[:2] == then[:2], f"{path} as of event {event_id}, {events[event_id - 1].type}"
                    assert since[2] == (str(event_id) if since[0] == 200 else None)


def check(folder: Path, history: list[Step], moments: set[int]) -> None:
    with fresh_storage(folder) as storage:
        time = FakeTime()
        with recording(storage, time) as recorder:
            Player(recorder, time).play(history)
        asyncio.run(compare(storage.parent, storage, time, moments))


@OFTEN
@given(histories(), st.sets(st.integers(0, 60), min_size=1, max_size=3))
def test_every_read_as_of_n_is_that_of_a_hub_with_the_first_n_events(
    tmp_path: Path, history: list[Step], moments: set[int]
) -> None:
    check(tmp_path, history, moments)


@pytest.mark.soak
@SOAK
@given(histories(80))
def test_every_read_as_of_every_event_in_many_histories(tmp_path: Path, history: list[Step]) -> None:
    check(tmp_path, history, set(range(200)))
