"""Waiting for claims and locks through the relay's folder, and changes that rely on them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.remote import HttpSend
from tests.support.hub_process import HubProcess
from tests.support.relay_thread import get_response, hand_in, serving
from tests.support.served_hub import ServedHub
from tests.support.waiting import wait_until


@pytest.fixture
def spool(tmp_path: Path, hub: ServedHub) -> Iterator[Path]:
    """A folder that a relay beside the hub carries from."""
    spool = tmp_path / "spool"
    with serving(spool, HttpSend(hub.url, request_timeout_sec=10.0)):
        yield spool


def asks(agent: str, wait_sec: float = 30, **more: Any) -> dict[str, Any]:
    body = {"agent_id": agent, "file_path": "src/a.py", "wait_sec": wait_sec, **more}
    return {"method": "POST", "path": "/v1/locks", "body": body}


def queue(hub: Any) -> list[str]:
    return [place["agent_id"] for place in hub.get("/v1/locks/queue").result]


def release(hub: Any, agent: str) -> None:
    assert hub.post("/v1/locks/release", {"agent_id": agent, "file_path": "src/a.py"}).status == 200


def test_one_that_waits_through_the_folder_is_served_in_its_order_and_holds_nobody_up(
    hub: ServedHub, spool: Path
) -> None:
    hub.post("/v1/locks", asks("a")["body"])
    hand_in(spool, "b", "wait", asks("b"))
    wait_until(lambda: queue(hub) == ["b"])
    hand_in(spool, "c", "wait", asks("c"))
    wait_until(lambda: queue(hub) == ["b", "c"])
    hand_in(spool, "b", "after", {"method": "POST", "path": "/v1/messages", "body": {"from_agent": "b", "body": "x"}})
    assert get_response(spool, "b", "after")["status"] == 201  # beside its own call that waits
    for holder, waiter in (("a", "b"), ("b", "c")):
        release(hub, holder)
        answer = get_response(spool, waiter, "wait")
        assert (answer["status"], answer["body"]["acquired"], answer["body"]["waited"]) == (201, True, True)
        assert answer["body"]["result"]["agent_id"] == waiter


def test_one_that_waits_in_vain_is_told_its_place_and_goes_on_there(hub: ServedHub, spool: Path) -> None:
    hub.post("/v1/locks", asks("a")["body"])
    hand_in(spool, "b", "one", asks("b", wait_sec=0.2))
    first = get_response(spool, "b", "one")["body"]
    assert (first["acquired"], first["position"], first["ahead"]) == (False, 1, ["a"])
    hand_in(spool, "b", "two", asks("b"))
    wait_until(lambda: len(hub.hub._recorder.leases.calls))
    release(hub, "a")
    second = get_response(spool, "b", "two")["body"]
    granted = hub.get(f"/v1/log/{second['result']['fencing_token']}").result["event"]["data"]
    assert (second["acquired"], granted["place"]) == (True, first["place"])


def test_a_relay_that_dies_while_its_agent_waits_is_followed_by_one_that_gets_the_answer(
    hub: ServedHub, tmp_path: Path
) -> None:
    spool = tmp_path / "other"
    hub.post("/v1/locks", asks("a")["body"])
    with serving(spool, HttpSend(hub.url)):
        hand_in(spool, "b", "wait", asks("b"))
        wait_until(lambda: queue(hub) == ["b"])
    wait_until(lambda: not len(hub.hub._recorder.leases.calls))
    with serving(spool, HttpSend(hub.url)):
        wait_until(lambda: len(hub.hub._recorder.leases.calls))
        release(hub, "a")
        assert get_response(spool, "b", "wait")["body"]["acquired"]
    assert len(hub.get("/v1/log?type=lock.queued").result) == 1


def test_a_change_through_the_folder_that_relies_on_a_lock_is_done_only_while_that_is_held(
    hub: ServedHub, spool: Path
) -> None:
    token = hub.post("/v1/locks", {"agent_id": "b", "file_path": "src/**"}).result["fencing_token"]
    body = {"from_agent": "b", "body": "done", "require": {"lock/src/x.py": token}}
    hand_in(spool, "b", "one", {"method": "POST", "path": "/v1/messages", "body": body})
    assert get_response(spool, "b", "one")["status"] == 201
    hub.post("/v1/locks/release", {"agent_id": "b", "file_path": "src/**"})
    hand_in(spool, "b", "two", {"method": "POST", "path": "/v1/messages", "body": body})
    refused = get_response(spool, "b", "two")
    assert (refused["status"], refused["body"]["code"]) == (409, "stale_token")


def test_a_grant_whose_answer_cannot_be_handed_over_is_given_back_at_once(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        hub.post("/v1/locks", asks("a")["body"])
        hand_in(hub.spool_dir, "b", "wait", asks("b"))
        wait_until(lambda: queue(hub) == ["b"])
        shutil.rmtree(hub.spool_dir)
        release(hub, "a")
        wait_until(lambda: len(hub.get("/v1/log?type=lock.released").result) == 2)
        given_back = hub.get("/v1/log?type=lock.released").result[-1]["data"]
        assert (given_back["agent_id"], given_back["reason"]) == ("b", "undelivered")
        assert hub.post("/v1/locks", asks("c", 0)["body"]).body["acquired"]
    finally:
        hub.stop()


def test_a_claim_whose_answer_cannot_be_handed_over_is_given_back_too(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        claim = {"claim_key": "k", "wait_sec": 30}
        hub.post("/v1/claims", {**claim, "owner_agent_id": "a"})
        hand_in(
            hub.spool_dir,
            "b",
            "wait",
            {"method": "POST", "path": "/v1/claims", "body": {**claim, "owner_agent_id": "b"}},
        )
        wait_until(lambda: hub.get("/v1/claims/queue").result)
        shutil.rmtree(hub.spool_dir)
        hub.post("/v1/claims/release", {"agent_id": "a", "claim_key": "k"})
        wait_until(lambda: len(hub.get("/v1/log?type=claim.released").result) == 2)
        assert hub.get("/v1/log?type=claim.released").result[-1]["data"]["reason"] == "undelivered"
    finally:
        hub.stop()
