"""Waiting for claims and locks, over real sockets and at several hubs on one storage."""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support import in_turn
from tests.support.hub_process import Answer, HubProcess
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


def ask(hub: ServedHub, agent: str, path: str = "src/a.py", wait_sec: float = 0, **more: Any) -> Answer:
    body = {"agent_id": agent, "file_path": path, "wait_sec": wait_sec, **more}
    key = more.pop("key", None)
    body.pop("key", None)
    return hub.post("/v1/locks", body, headers={} if key is None else {"Idempotency-Key": key})


def release(hub: ServedHub, agent: str, path: str = "src/a.py") -> None:
    assert hub.post("/v1/locks/release", {"agent_id": agent, "file_path": path}).status == 200


def waiting(hub: ServedHub) -> list[str]:
    return [place["agent_id"] for place in hub.get("/v1/locks/queue").result]


def queued(hub: ServedHub, *agents: str) -> Callable[[], bool]:
    return lambda: waiting(hub) == list(agents)


def begin(pool: ThreadPoolExecutor, hub: ServedHub, agent: str, **how: Any) -> Any:
    """Let an agent wait, and return when it has its place."""
    call = pool.submit(ask, hub, agent, wait_sec=30, **how)
    wait_until(lambda: agent in waiting(hub) or call.done())
    return call


def test_those_who_wait_are_served_in_their_order(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(8) as pool:
        first = ask(hub, "a")
        calls = {agent: begin(pool, hub, agent) for agent in "bcd"}
        tokens = [first.result["fencing_token"]]
        for holder, agent in zip("abc", "bcd", strict=True):
            assert not calls[agent].done()
            release(hub, holder)
            answer = calls[agent].result(30)
            assert (answer.status, answer.body["acquired"], answer.result["agent_id"]) == (201, True, agent)
            tokens.append(answer.result["fencing_token"])
        assert tokens == sorted(set(tokens))
        blame = hub.get("/v1/log?type=lock.acquired").result
        assert [event["event_id"] for event in blame] == tokens


def test_who_waits_in_vain_is_told_its_place_and_who_is_ahead_and_goes_on_there(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(4) as pool:
        ask(hub, "a")
        begin(pool, hub, "b")
        late = ask(hub, "c", wait_sec=0.2)
        assert (late.status, late.body["acquired"], late.body["position"]) == (200, False, 2)
        assert late.body["ahead"] == ["a", "b"]
        assert late.result["agent_id"] == "a"
        again = ask(hub, "c", wait_sec=0.2)
        assert again.body["place"] == late.body["place"]
        refused = ask(hub, "d")
        assert (refused.body["acquired"], refused.result["agent_id"]) == (False, "a")
        release(hub, "a")
        wait_until(queued(hub, "c"))
        stopped = ask(hub, "d", "src/a.py")
        assert stopped.result["agent_id"] == "b"


def test_nobody_overtakes_a_place_whose_agent_is_between_two_calls(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        ask(hub, "a")
        assert not ask(hub, "b", wait_sec=0.1).body["acquired"]
        release(hub, "a")
        refused = ask(hub, "c")
        assert (refused.body["acquired"], refused.result["agent_id"], refused.result["waiting"]) == (False, "b", True)
        assert ask(hub, "b", wait_sec=0.1).body["acquired"]


def test_a_retry_under_its_key_joins_the_place_and_then_gets_how_it_ended(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(4) as pool:
        ask(hub, "a")
        first = begin(pool, hub, "b", key="k-1")
        second = pool.submit(ask, hub, "b", wait_sec=30, key="k-1")
        wait_until(lambda: len(hub.hub._waiters) == 2, what="both calls")
        assert waiting(hub) == ["b"]
        release(hub, "a")
        answers = [first.result(30).body, second.result(30).body, ask(hub, "b", wait_sec=30, key="k-1").body]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0]["acquired"]
        assert len(hub.get("/v1/log?type=lock.queued").result) == 1


def test_a_deadlock_is_refused_and_names_the_circle(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(4) as pool:
        ask(hub, "a", "src/**")
        ask(hub, "b", "docs")
        begin(pool, hub, "a", path="docs/x")
        refused = ask(hub, "b", "src/x.py", wait_sec=5)
        assert (refused.status, refused.body["code"]) == (409, "deadlock")
        assert "b waits for a (src/**), and a waits for b (docs)" in refused.body["error"]
        release(hub, "b", "docs")


def test_a_claim_is_waited_for_like_a_lock(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(2) as pool:
        claim = {"claim_key": "k", "wait_sec": 30}
        hub.post("/v1/claims", {"owner_agent_id": "a", **claim})
        call = pool.submit(hub.post, "/v1/claims", {"owner_agent_id": "b", **claim})
        wait_until(lambda: bool(hub.get("/v1/claims/queue").result))
        hub.post("/v1/claims/handover", {"agent_id": "a", "claim_key": "k", "to_agent_id": "c"})
        hub.post("/v1/claims/release", {"agent_id": "a", "claim_key": "k"})
        assert call.result(30).result["owner_agent_id"] == "b"


def test_what_is_handed_over_to_one_that_waits_for_it_is_its_answer(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(2) as pool:
        hub.post("/v1/sessions", {"agent_id": "b"})
        ask(hub, "a")
        call = begin(pool, hub, "b")
        given = hub.post("/v1/locks/handover", {"agent_id": "a", "file_path": "src/a.py", "to_agent_id": "b"})
        answer = call.result(30)
        assert answer.body["acquired"]
        assert answer.result["fencing_token"] == given.result["fencing_token"]
        assert len(hub.get("/v1/log?type=lock.acquired").result) == 1


def test_a_hub_on_the_same_storage_grants_to_those_who_wait_at_it(tmp_path: Path) -> None:
    with served_hub(tmp_path) as one, served_hub(tmp_path) as two, ThreadPoolExecutor(4) as pool:
        ask(one, "a")
        first, second = begin(pool, two, "b"), begin(pool, one, "c")
        release(one, "a")
        assert first.result(30).body["acquired"]
        release(two, "b")
        assert second.result(30).body["acquired"]


def test_a_call_that_is_gone_is_not_granted_and_its_place_is_kept_for_its_agent(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        ask(hub, "a")
        body = json.dumps({"agent_id": "b", "file_path": "src/a.py", "wait_sec": 30}).encode()
        head = b"POST /v1/locks HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", hub.port)) as connection:
            connection.sendall(head + body)
            wait_until(queued(hub, "b"))
        release(hub, "a")
        wait_until(lambda: not len(hub.hub._recorder.leases.calls))
        assert not ask(hub, "c").body["acquired"]
        assert ask(hub, "b", wait_sec=1).body["acquired"]


def test_a_hub_that_stops_lets_those_go_who_wait_and_they_go_on_at_the_next(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        with served_hub(tmp_path) as hub:
            ask(hub, "a", ttl_sec=600)
            call = begin(pool, hub, "b")
        answer = call.result(30)
        assert (answer.status, answer.body["acquired"]) == (200, False)
        with served_hub(tmp_path) as hub:
            again = pool.submit(ask, hub, "b", wait_sec=30)
            wait_until(lambda: bool(len(hub.hub._recorder.leases.calls)))
            release(hub, "a")
            found = again.result(30)
            assert found.body["acquired"]
            place = answer.body["place"]
            granted = hub.get(f"/v1/log/{found.result['fencing_token']}").result["event"]["data"]
            assert granted["place"] == place


def test_a_lease_that_lapses_goes_to_the_one_that_waits_although_nobody_calls(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(2) as pool:
        began_at = time.monotonic()
        ask(hub, "a", ttl_sec=5)
        call = begin(pool, hub, "b")
        assert call.result(60).body["acquired"]
        assert 4.9 < time.monotonic() - began_at < 20  # the call itself would end after 30
        (lapse,) = hub.get("/v1/log?type=lock.released").result
        assert lapse["data"]["reason"] == "lapsed"


def test_a_change_that_relies_on_a_lock_is_done_only_while_that_is_held(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        token = ask(hub, "a", "src/**").result["fencing_token"]
        relies = {"from_agent": "a", "body": "done", "require": {"lock/src/x.py": token}}
        assert hub.post("/v1/messages", relies).status == 201
        assert hub.post("/v1/messages", {**relies, "from_agent": "b"}).body["code"] == "stale_token"
        assert hub.post("/v1/messages", {**relies, "require": {"lock/docs": token}}).status == 409
        assert hub.post("/v1/messages", {**relies, "require": {"task/1": token}}).status == 400
        assert hub.post("/v1/locks/check", {"tokens": [token]}).result["present"]
        release(hub, "a", "src/**")
        assert hub.post("/v1/messages", relies).status == 409
        assert not hub.post("/v1/locks/check", {"tokens": [token]}).result["present"]


def test_each_line_of_a_batch_may_rely_on_a_lock(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        token = ask(hub, "a", "src/**").result["fencing_token"]
        lines = [
            {"from_agent": "a", "body": "with it", "require": {"lock/src/x.py": token}, "idempotency_key": "k"},
            {"from_agent": "a", "body": "without", "require": {"lock/src/x.py": token + 1}},
            {"from_agent": "a", "body": "never mind"},
        ]
        batch = b"\n".join(json.dumps(line).encode() for line in lines)
        with closing(http.client.HTTPConnection("127.0.0.1", hub.port)) as connection:
            connection.request("POST", "/v1/messages:batch", batch)
            answers = [json.loads(line) for line in connection.getresponse().read().splitlines()]
        assert [answer.get("code") for answer in answers] == [None, "stale_token", None]
        assert [message["body"] for message in hub.get("/v1/messages?channel=general").result] == [
            "with it",
            "never mind",
        ]


def test_one_file_is_one_lock_however_it_is_spelled(tmp_path: Path) -> None:
    home, link = tmp_path / "repo", tmp_path / "link"
    (home / "src").mkdir(parents=True)
    (home / "lib").symlink_to(home / "src")
    link.symlink_to(home)
    with served_hub(home) as hub:
        token = ask(hub, "a", "src/a.py").result["fencing_token"]
        inside = ("./src/a.py", "src//a.py", "x/../src/a.py", "lib/a.py")
        absolute = (
            f"{home}/src/a.py",
            f"{link}/lib/a.py",
            f"file://{home}/src/a.py",
            f"FILE://localhost{link}/lib/%61.py",
        )
        for spelled in (*inside, *absolute):
            again = ask(hub, "a", spelled)
            assert (again.result["key"], again.result["fencing_token"]) == ("src/a.py", token), spelled
        for elsewhere in ("../other/a.py", "file:///other/a.py"):
            outside = ask(hub, "a", elsewhere)
            assert outside.status == 400
            assert f"is not below {home}" in outside.body["error"]


def test_one_from_which_a_lease_is_taken_away_is_told_so(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        ask(hub, "a", "src/**")
        hub.post("/v1/claims", {"owner_agent_id": "a", "claim_key": "k"})
        why = {"agent_id": "o", "reason": "it hangs"}
        assert hub.post("/v1/locks/force-release", {**why, "file_path": "src/**"}).status == 200
        assert hub.post("/v1/claims/force-release", {**why, "claim_key": "k"}).status == 200
        told = hub.get("/v1/inbox/a").result
        assert [(one["from_agent"], one["to_agent"], one["kind"], one["body"]) for one in told] == [
            ("system", "a", "notice", "o took your lock on src/**: it hangs"),
            ("system", "a", "notice", "o took your claim k: it hangs"),
        ]
        assert hub.get("/v1/messages?channel=general").result == []
        assert len(hub.get("/v1/events?agent_id=b").result) == 0
        waits = hub.get(f"/v1/events?agent_id=a&since_id={told[0]['id']}").result
        assert [one["id"] for one in waits] == [told[1]["id"]]


def test_what_would_refuse_a_lock_is_told_without_asking_for_it(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        ask(hub, "a", "src/*.py", mode="shared")
        (found,) = hub.get("/v1/locks/conflicts?agent_id=b&path=src/x.py").result
        assert (found["agent_id"], found["witness"]) == ("a", "src/x.py")
        assert hub.get("/v1/locks/conflicts?agent_id=b&path=src/x.py&mode=shared").result == []
        assert hub.get("/v1/locks/conflicts?agent_id=a&path=src/x.py").result == []
        assert not hub.get("/v1/log?type=lock.refused").result


@pytest.mark.parametrize("agents", [40])
def test_many_who_wait_for_one_file_are_served_in_order_and_cost_the_others_nothing(
    tmp_path: Path, agents: int
) -> None:
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(agents) as pool:
        ask(hub, "agent-0")
        calls = [begin(pool, hub, f"agent-{n}") for n in range(1, agents)]
        done = threading.Event()
        slow: list[float] = []

        def talk() -> None:
            while not done.is_set():
                began_at = time.monotonic()
                hub.say("hi")
                slow.append(time.monotonic() - began_at)

        talker = threading.Thread(target=talk)
        talker.start()
        for number in range(agents - 1):
            release(hub, f"agent-{number}")
            assert calls[number].result(30).body["acquired"]
        done.set()
        talker.join()
        assert sorted(slow)[len(slow) // 2] < 1


def test_a_place_whose_hub_is_killed_is_given_up_as_soon_as_it_would_only_keep_others_waiting(tmp_path: Path) -> None:
    dead = in_turn.join(HubProcess.at(tmp_path)).start()
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(3) as pool:
        ask(hub, "a", ttl_sec=600)
        lost = pool.submit(dead.post, "/v1/locks", {"agent_id": "b", "file_path": "src/a.py", "wait_sec": 60})
        wait_until(queued(hub, "b"))
        dead.kill()
        with suppress(OSError, http.client.HTTPException):
            lost.result(30)
        late = begin(pool, hub, "c")
        assert waiting(hub) == ["b", "c"]  # b may still go on at its place
        release(hub, "a")
        assert late.result(30).body["acquired"]  # its time would be over after 80 s
        (left,) = hub.get("/v1/log?type=lock.left").result
        assert (left["data"]["agent_id"], left["data"]["reason"]) == ("b", "hub_gone")


def test_a_hub_that_is_killed_while_it_is_its_waiters_turn_holds_up_nobody_for_long(tmp_path: Path) -> None:
    dead = in_turn.join(HubProcess.at(tmp_path)).start()
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(3) as pool:
        ask(hub, "a", ttl_sec=600)
        lost = pool.submit(dead.post, "/v1/locks", {"agent_id": "b", "file_path": "src/a.py", "wait_sec": 60})
        wait_until(queued(hub, "b"))
        assert dead.process is not None
        dead.process.send_signal(signal.SIGSTOP)
        late = begin(pool, hub, "c")
        release(hub, "a")
        refused = ask(hub, "d")
        assert (refused.result["agent_id"], refused.result["waiting"]) == ("b", True)  # its hub may go on
        dead.kill()
        assert late.result(30).body["acquired"]
        with suppress(OSError, http.client.HTTPException):
            lost.result(30)
        release(hub, "c")
        assert ask(hub, "d").body["acquired"]


def test_an_agent_whose_hub_was_killed_goes_on_at_its_place_at_another(tmp_path: Path) -> None:
    dead = in_turn.join(HubProcess.at(tmp_path)).start()
    with served_hub(tmp_path) as hub, ThreadPoolExecutor(3) as pool:
        ask(hub, "a", ttl_sec=600)
        body = {"agent_id": "b", "file_path": "src/a.py", "wait_sec": 60}
        lost = pool.submit(dead.post, "/v1/locks", body, headers={"Idempotency-Key": "k"})
        wait_until(queued(hub, "b"))
        dead.kill()
        with suppress(OSError, http.client.HTTPException):
            lost.result(30)
        late = begin(pool, hub, "c")
        again = pool.submit(hub.post, "/v1/locks", body, headers={"Idempotency-Key": "k"})
        wait_until(lambda: len(hub.hub._recorder.leases.calls) == 2)
        release(hub, "a")
        assert again.result(30).body["acquired"]
        assert not late.done()
        release(hub, "b")
        assert late.result(30).body["acquired"]
