"""Rules of the relay for files whose writer has not finished, or never will."""

import json
import time
from pathlib import Path

import pytest

from relay.pace import Pace
from tests.support.relay_thread import StandIn, get_response, hand_in, post, serving
from tests.support.waiting import wait_until


def test_a_file_that_is_still_being_written_is_waited_for(spool: Path, notifications: bool) -> None:
    hub = StandIn()
    whole = json.dumps(post(n=1, text="x" * 1000)).encode()
    place = spool / "requests" / "alice" / "slow.json"
    place.parent.mkdir(parents=True)
    with serving(spool, hub, notifications=notifications):
        with place.open("wb", buffering=0) as file:
            for at in range(0, len(whole), 400):
                file.write(whole[at : at + 400])
                time.sleep(0.15)  # a slow writer: what it writes counts as it comes, not when it ends
        assert get_response(spool, "alice", "slow")["status"] == 201
    assert len(hub.bodies) == 1


def test_a_file_that_stays_broken_is_answered_and_delays_nobody(spool: Path) -> None:
    hub = StandIn()
    with serving(spool, hub):
        hand_in(spool, "alice", "broken", b'{"method": "POST", "pa')
        hand_in(spool, "alice", "good", post(n=1))
        assert get_response(spool, "alice", "good")["status"] == 201
        response = get_response(spool, "alice", "broken")
    assert (response["status"], response["request_id"]) == (400, "broken")
    assert response["error"].startswith("invalid relay request: request envelope is not JSON")


def test_a_request_that_comes_in_two_parts_is_served_when_it_is_whole(spool: Path) -> None:
    hub = StandIn()
    place = spool / "requests" / "alice" / "r1.json"
    place.parent.mkdir(parents=True)
    whole = json.dumps(post(n=1)).encode()
    with serving(spool, hub):
        with place.open("wb", buffering=0) as file:
            file.write(whole[:20])
        time.sleep(0.6)  # the silence between the parts is the rule under test
        assert not (spool / "responses" / "alice" / "r1.json").exists()
        with place.open("ab", buffering=0) as file:
            file.write(whole[20:])
        assert get_response(spool, "alice", "r1")["status"] == 201
    assert len(hub.bodies) == 1


@pytest.mark.parametrize(
    "content", [b"hello", b'{"method": "GET"} {}', b'{"method": "GET"}', b"[]", b"\xff\xfe{\x00}\x00"]
)
def test_what_no_writer_can_complete_is_answered_at_once(spool: Path, content: bytes) -> None:
    with serving(spool, StandIn(), pace=Pace(quiet_sec=3600, patience_sec=3600)):
        hand_in(spool, "alice", "r1", content)
        assert get_response(spool, "alice", "r1")["status"] == 400


def test_a_file_that_never_stops_changing_is_judged_in_the_end(spool: Path) -> None:
    place = spool / "requests" / "alice" / "endless.json"
    place.parent.mkdir(parents=True)
    answer = spool / "responses" / "alice" / "endless.json"
    with (
        serving(spool, StandIn(), pace=Pace(patience_sec=0.3, look_again_sec=0.02)),
        place.open("wb", buffering=0) as file,
    ):
        for _ in range(200):
            file.write(b"[")
            time.sleep(0.01)  # the pace of the writer under test
            if answer.exists():
                break
        assert get_response(spool, "alice", "endless")["status"] == 400


def test_a_broken_file_that_vanishes_is_forgotten(spool: Path) -> None:
    with serving(spool, StandIn()) as relay:
        wait_until(lambda: relay._serving, what="the relay's own thread")
        assert relay._serving is not None
        couriers = relay._serving[1]._couriers
        hand_in(spool, "alice", "broken", b"{")
        wait_until(lambda: "alice" in couriers and couriers["alice"].busy, what="the wait for its writer")
        (spool / "requests" / "alice" / "broken.json").unlink()
        wait_until(lambda: not couriers["alice"].busy, what="its end")
