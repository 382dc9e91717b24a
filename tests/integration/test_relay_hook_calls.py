"""Hooks over the relay, by its files: at once and once, or refused; nothing of what they say is kept."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relay.life import NAME, showing_life
from relay.pace import Pace
from relay.send import HubUnreachable
from relay.spool import Spool
from tests.support.relay_thread import get_response, hand_in, serving
from tests.support.waiting import wait_until


class HookHub:
    """A hub that remembers what it was asked; a hook it answers with `answer`."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer: bytes = answer
        self.calls: list[tuple[str, Mapping[str, str]]] = []
        self.away = False

    async def __call__(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self.calls.append((path, headers))
        if self.away:
            raise HubUnreachable("the hub does not answer")
        return 200, self.answer


def hook(**body: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/v1/hooks/codex?mode=auto", "body": {"session_id": "s", **body}}


def test_a_hook_has_no_key_and_is_the_agents_of_its_folder(spool: Path) -> None:
    hub = HookHub(b'{"decision":"block","reason":"x"}')
    with serving(spool, hub):
        hand_in(spool, "alice", "1", hook())
        assert get_response(spool, "alice", "1")["body"] == {"decision": "block", "reason": "x"}
    assert hub.calls == [("/v1/hooks/codex?mode=auto", {"X-Arc-Agent": "alice"})]


def test_an_answer_of_nothing_is_an_empty_object(spool: Path) -> None:
    with serving(spool, HookHub()):
        hand_in(spool, "alice", "1", hook())
        response = get_response(spool, "alice", "1")
    assert (response["status"], response["body"]) == (200, {})


def test_of_a_hook_that_was_answered_a_digest_stays_by_which_it_is_known_again(spool: Path) -> None:
    hub, asked = HookHub(), hook(prompt="not to be kept")
    place = spool / "requests" / "alice" / "1.work"
    with serving(spool, hub):
        for _ in range(3):
            hand_in(spool, "alice", "1", asked)
            get_response(spool, "alice", "1")
            wait_until(lambda: place.exists() and b"sha256" in place.read_bytes(), what="the digest")
            hand_in(spool, "alice", "after", {"method": "GET", "path": "/v1/channels"})
            wait_until(lambda: not (spool / "requests" / "alice" / "after.json").exists(), what="the next request")
            place.with_name("after.work").unlink(missing_ok=True)
    assert len([path for path, _ in hub.calls if path.startswith("/v1/hooks")]) == 1


def test_a_hook_that_a_relay_had_taken_when_it_died_is_not_asked_about_again(spool: Path) -> None:
    hand_in(spool, "alice", "1", hook(prompt="not to be kept"))
    left = spool / "requests" / "alice" / "1.json"
    left.rename(left.with_suffix(".work"))
    hub = HookHub()
    with serving(spool, hub):
        response = get_response(spool, "alice", "1")
    assert (response["status"], response["body"]["code"]) == (409, "conflict")
    assert hub.calls == []
    assert b"not to be kept" not in left.with_suffix(".work").read_bytes()


def test_a_hook_that_lay_there_for_too_long_is_refused(spool: Path) -> None:
    hand_in(spool, "alice", "1", hook())
    before = time.time() - 60
    os.utime(spool / "requests" / "alice" / "1.json", (before, before))
    hub = HookHub()
    with serving(spool, hub, pace=Pace(hook_sec=30)):
        response = get_response(spool, "alice", "1")
    assert (response["status"], "older than 30 s" in response["error"]) == (409, True)
    assert hub.calls == []


def test_a_hub_that_does_not_answer_a_hook_is_not_asked_again(spool: Path) -> None:
    hub = HookHub()
    hub.away = True
    with serving(spool, hub):
        for _ in range(2):  # nobody knows whether it was done, so the answer stands
            hand_in(spool, "alice", "1", hook())
            assert get_response(spool, "alice", "1")["status"] == 503
            wait_until(lambda: not (spool / "requests" / "alice" / "1.json").exists(), what="the request's taking")
    assert len(hub.calls) == 1


def test_a_spool_shows_that_it_is_served_while_it_is(spool: Path) -> None:
    alive = spool / NAME
    with serving(spool, HookHub()):
        wait_until(alive.exists, what="the sign of life")
    assert not alive.exists()


async def wait_for_change(file: Path, former_ns: int) -> int:
    """When the time of a file is no longer what it was: what it is."""

    def find() -> int:
        return file.stat().st_mtime_ns if file.exists() else former_ns

    await asyncio.to_thread(wait_until, lambda: find() != former_ns, what="the time of the file to be set")
    return find()


def test_a_relay_that_ends_leaves_the_sign_of_life_to_another(spool: Path) -> None:
    Spool(spool).ensure()
    alive = spool / NAME

    async def show() -> None:
        async with showing_life(Spool(spool)):
            first = await wait_for_change(alive, 0)
            async with showing_life(Spool(spool)):
                await wait_for_change(alive, first)
            assert await asyncio.to_thread(alive.exists)

    asyncio.run(show())


def test_the_last_relay_of_a_spool_takes_its_sign_of_life_away(spool: Path) -> None:
    Spool(spool).ensure()
    alive = spool / NAME

    async def show() -> None:
        async with showing_life(Spool(spool), 0.01):
            seen = await wait_for_change(alive, 0)
            async with showing_life(Spool(spool)):
                seen = await wait_for_change(alive, seen)
            for _ in range(3):  # it sees the other's time once more, and then its own
                seen = await wait_for_change(alive, seen)

    asyncio.run(show())
    assert not alive.exists()


def test_a_link_in_the_place_of_the_sign_of_life_leads_nowhere(spool: Path, tmp_path: Path) -> None:
    Spool(spool).ensure()
    outside = tmp_path / "outside"
    outside.write_text("x")
    os.utime(outside, (1, 1))
    (spool / NAME).symlink_to(outside)

    async def show() -> None:
        async with showing_life(Spool(spool), 0.01):
            await asyncio.sleep(0)

    asyncio.run(show())
    assert outside.stat().st_mtime == 1
