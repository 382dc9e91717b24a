"""Rules of the relay at work: order, waiting, ids that are used again, permissions, and what looking costs."""

import asyncio
import json
import os
import stat
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from arc.spool import FileRelayClient
from relay.agent_folder import AgentFolder, Keep
from relay.pace import Pace
from relay.relay import Relay
from relay.spool import Spool
from tests.support.relay_thread import StandIn, get_response, hand_in, post, serving
from tests.support.waiting import wait_until


def test_a_request_is_taken_carried_and_answered(spool: Path, notifications: bool) -> None:
    hub = StandIn()
    with serving(spool, hub, notifications=notifications):
        for number in range(3):
            client = FileRelayClient(agent_id="a b", spool_dir=spool, timeout=10)
            response = client.call("POST", "/v1/messages", {"from_agent": "a b", "n": number})
            assert (response["ok"], response["status"], response["body"]["result"]["id"]) == (True, 201, number + 1)
            assert (spool / "requests" / "a_b" / f"{response['request_id']}.work").is_file()
    assert hub.bodies == [{"from_agent": "a b", "n": number} for number in range(3)]


def test_the_requests_of_one_agent_keep_their_order(spool: Path, notifications: bool) -> None:
    hub = StandIn()
    with serving(spool, hub, notifications=notifications):
        for number in range(50):
            hand_in(spool, "alice", f"r{number:03}", post(n=number))
        get_response(spool, "alice", "r049")
    assert hub.bodies == [{"n": number} for number in range(50)]


def test_a_flood_of_requests_is_served_in_its_order_and_remembered_in_parts(spool: Path, notifications: bool) -> None:
    hub = StandIn()

    async def take_time(method: str, path: str) -> None:
        await asyncio.sleep(0.001)

    hub.before = take_time
    few = Spool(spool, max_pending=5)
    with serving(few, hub, notifications=notifications, pace=Pace(max_known=7)):
        for number in range(100):
            hand_in(spool, "alice", f"r{number:03}", post(n=number))
        get_response(spool, "alice", "r099")
    assert hub.bodies == [{"n": number} for number in range(100)]


def test_requests_that_were_left_while_nobody_served_are_served_in_their_order(spool: Path) -> None:
    for number, name in enumerate("zyxwv"):
        hand_in(spool, "alice", name, post(n=number))
        os.utime(spool / "requests" / "alice" / f"{name}.json", ns=(0, number * 1_000_000))
    hub = StandIn()
    with serving(spool, hub):
        get_response(spool, "alice", "v")
    assert [body["n"] for body in hub.bodies] == [0, 1, 2, 3, 4]


def test_a_long_poll_delays_neither_another_agent_nor_its_own_agents_next_requests(spool: Path) -> None:
    hub, released = StandIn(), threading.Event()

    async def wait(method: str, path: str) -> None:
        if "timeout=" in path:
            await asyncio.to_thread(released.wait, 10)

    hub.before = wait
    with serving(spool, hub):
        hand_in(spool, "alice", "poll", {"method": "GET", "path": "/v1/events?agent_id=alice&timeout=30"})
        wait_until(lambda: hub.calls, what="the poll's start")
        for name in ("alice", "bob"):
            hand_in(spool, name, "write", post(from_agent=name))
            assert get_response(spool, name, "write")["status"] == 201
        assert not (spool / "responses" / "alice" / "poll.json").exists()
        released.set()
        assert get_response(spool, "alice", "poll")["status"] == 200


def test_the_same_request_handed_in_again_gets_the_same_answer(spool: Path, notifications: bool) -> None:
    hub = StandIn()
    with serving(spool, hub, notifications=notifications):
        hand_in(spool, "alice", "r1", {"request_id": "one", **post(n=1)})
        first = get_response(spool, "alice", "r1")
        hand_in(spool, "alice", "r1", {"request_id": "one", **post(n=1)})
        wait_until(lambda: not (spool / "requests" / "alice" / "r1.json").exists(), what="the second taking")
        hand_in(spool, "alice", "r2", {"request_id": "one", **post(n=1)})
        assert get_response(spool, "alice", "r2")["body"] == first["body"]
        assert get_response(spool, "alice", "r1") == first
    assert len(hub.done) == 1
    assert len(hub.calls) == 2  # the response that lay there has answered the second


def test_another_request_under_a_used_id_is_not_answered_with_the_old_response(spool: Path) -> None:
    hub = StandIn()
    with serving(spool, hub):
        hand_in(spool, "alice", "1", {"method": "GET", "path": "/v1/channels"})
        assert get_response(spool, "alice", "1")["body"]["result"] == 1
        hand_in(spool, "alice", "1", {"method": "GET", "path": "/v1/tasks"})
        wait_until(lambda: len(hub.calls) == 2, what="the second call")
        wait_until(lambda: get_response(spool, "alice", "1")["body"]["result"] == 2, what="the second response")


def test_a_response_without_its_request_does_not_answer_a_new_one(spool: Path) -> None:
    stale = spool / "responses" / "alice" / "1.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"ok": true, "status": 200, "body": "stale"}')
    hub = StandIn()
    with serving(spool, hub):
        hand_in(spool, "alice", "1", post(n=1))
        wait_until(lambda: json.loads(stale.read_bytes()).get("status") == 201 if stale.exists() else False)


def test_everything_in_the_spool_is_for_its_owner_alone(spool: Path) -> None:
    spool.mkdir()
    spool.chmod(0o755)
    with serving(spool, StandIn()):
        hand_in(spool, "alice", "r1", post(n=1))
        get_response(spool, "alice", "r1")
    for place in (spool, spool / "requests", spool / "responses", spool / "responses" / "alice"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700, place
    assert stat.S_IMODE((spool / "responses" / "alice" / "r1.json").stat().st_mode) == 0o600


def test_a_spool_mode_opens_folders_and_files_whatever_the_umask_says(spool: Path) -> None:
    before = os.umask(0o077)
    try:
        with serving(Spool(spool, mode=0o770), StandIn()):
            hand_in(spool, "alice", "r1", post(n=1))
            get_response(spool, "alice", "r1")
    finally:
        os.umask(before)
    for place in (spool, spool / "requests", spool / "responses", spool / "responses" / "alice"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o770, place
    assert stat.S_IMODE((spool / "responses" / "alice" / "r1.json").stat().st_mode) == 0o660


def test_a_client_opens_what_it_makes_as_far_as_the_spool_is_open(spool: Path) -> None:
    with serving(Spool(spool, mode=0o2770), StandIn()):
        wait_until((spool / "responses").exists, what="the spool")
        client = FileRelayClient(agent_id="alice", spool_dir=spool)
        request_id = client.call("POST", "/v1/messages", {"from_agent": "alice"})["request_id"]
    assert stat.S_IMODE((spool / "requests" / "alice").stat().st_mode) == 0o2770
    assert stat.S_IMODE((spool / "requests" / "alice" / f"{request_id}.work").stat().st_mode) == 0o660


def test_two_relays_on_one_spool_do_each_request_once(spool: Path) -> None:
    hub = StandIn()
    with serving(spool, hub), serving(spool, hub, notifications=False):
        for number in range(30):
            hand_in(spool, f"agent{number % 3}", f"r{number}", post(n=number))
        for number in range(30):
            get_response(spool, f"agent{number % 3}", f"r{number}")
    assert len(hub.done) == 30
    assert sorted({body["n"] for body in hub.bodies}) == list(range(30))


def test_old_pairs_are_deleted_while_the_relay_runs(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prune = AgentFolder.prune
    monkeypatch.setattr(AgentFolder, "prune", lambda folder, now: prune(folder, now, Keep(always=2, sec=-1.0)))
    with serving(spool, StandIn(), pace=Pace(prune_every_sec=0.02, prune_after=1)):
        for number in range(6):
            hand_in(spool, "alice", f"r{number}", post(n=number))
        get_response(spool, "alice", "r5")
        wait_until(lambda: len(list((spool / "responses" / "alice").iterdir())) == 2, what="the deletion")
    assert sorted(file.name for file in (spool / "requests" / "alice").iterdir()) == ["r4.work", "r5.work"]


def test_without_notifications_on_this_machine_looking_does_it_alone(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "asyncinotify", None)
    with serving(spool, StandIn()):
        hand_in(spool, "alice", "r1", post(n=1))
        assert get_response(spool, "alice", "r1")["status"] == 201


def test_an_agent_that_sleeps_is_looked_at_less_and_less_often(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    list_folders = Spool.list_folders

    def look(self: Spool) -> list[str]:
        looks.append(time.monotonic())
        return list_folders(self)

    monkeypatch.setattr(Spool, "list_folders", look)
    with serving(spool, StandIn(), notifications=False, poll_interval_sec=0.2, pace=Pace(idle_share=1.0)):
        wait_until(lambda: looks and looks[-1] - looks[0] > 0.7, what="a while of looking")
    pauses = [after - before for before, after in pairwise(looks)]
    assert min(pauses[:3]) < 0.1
    assert pauses[-1] > 0.15


def test_a_relay_whose_task_is_cancelled_ends_its_thread(spool: Path) -> None:
    async def story() -> None:
        relay = Relay(Spool(spool), StandIn())
        running = asyncio.create_task(relay.run())
        hand_in(spool, "alice", "r1", post(n=1))
        await asyncio.to_thread(get_response, spool, "alice", "r1")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.to_thread(wait_until, lambda: all(one.name != "arc-relay" for one in threading.enumerate()))

    asyncio.run(story())
