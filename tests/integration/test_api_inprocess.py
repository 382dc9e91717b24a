"""Calls from inside the hub's process get what a call over HTTP gets, and leave their transport in the log."""

import asyncio
import json
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from api.app import create_app
from api.http.inprocess import InProcessAnswer, call
from arclog.sqlite.reads import find_event
from projections.hub.hub import Hub
from projections.hub.settings import Settings


async def started(home: Path) -> tuple[Hub, ASGIApp]:
    hub = Hub(Settings(storage=home / "arc.sqlite3"))
    await hub.start()
    return hub, create_app(hub)


async def post(app: ASGIApp, body: object, *headers: tuple[str, str]) -> InProcessAnswer:
    return await call(app, "POST", "/v1/messages", json.dumps(body).encode(), headers, "relay")


def test_a_call_is_answered_and_its_transport_kept(tmp_path: Path) -> None:
    async def story() -> None:
        hub, app = await started(tmp_path)
        answer = await post(app, {"from_agent": "a", "body": "x"}, ("Idempotency-Key", "r1"))
        again = await post(app, {"from_agent": "a", "body": "x"}, ("Idempotency-Key", "r1"))
        assert (answer.status, answer.headers["x-arc-instance"]) == (201, hub.instance_id)
        assert json.loads(answer.body)["result"]["body"] == "x"
        assert again == answer
        stored = hub.read(find_event, int(answer.headers["x-arc-event"]))
        assert stored is not None
        assert stored.decode().metadata.transport == "relay"
        await hub.stop()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/messages", 405),
        ("GET", "/v1/messages?limit=0&channel=general", 400),
        ("GET", "/v1/stream?agent_id=a", 400),
        ("GET", "/v1/inbox/ü 🚀", 200),
        ("GET", "/v1/inbox/%zz", 400),
        ("get", "/v1/channels?x=ü", 200),
        ("GET", "", 404),
        ("GET", "/v1/events?agent_id=a&since_id=3&timeout=0.05", 200),
    ],
)
def test_refusals_are_answers_too(tmp_path: Path, method: str, path: str, status: int) -> None:
    async def story() -> None:
        hub, app = await started(tmp_path)
        answer = await call(app, method, path, b"", [], "relay")
        assert (answer.status, json.loads(answer.body)["ok"]) == (status, status == 200)
        await hub.stop()

    asyncio.run(story())


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        hub, app = await started(tmp_path)
        answer = await call(app, "POST", "/v1/messages", b" " * 9_000_000, [], "relay")
        assert answer.status == 400
        await hub.stop()

    asyncio.run(story())


def test_a_call_that_waits_can_be_cancelled(tmp_path: Path) -> None:
    async def story() -> None:
        hub, app = await started(tmp_path)
        waiting = asyncio.create_task(call(app, "GET", "/v1/events?agent_id=a&since_id=3&timeout=60", b"", [], "relay"))
        while "a" not in hub._recorder.presence.waiting:  # noqa: ASYNC110 - nothing tells of a poll that begins to wait
            await asyncio.sleep(0.01)  # bounded by the whole story
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert "a" not in hub._recorder.presence.waiting
        await hub.stop()

    asyncio.run(asyncio.wait_for(story(), 20))
