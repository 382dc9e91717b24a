"""Sub-agents over real sockets: what they may use, what stands in whose way, and what ends with whom."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from arc.client import ArcClient
from arc.spool import FileRelayClient
from arclog.progress import no_progress
from projections.rebuilding.verification import verify_storage
from relay.remote import HttpSend
from tests.support.hub_process import Answer
from tests.support.relay_thread import serving
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    """A hub at which ada works with two sub-agents, and bob alone."""
    with served_hub(tmp_path) as served:
        for agent in ("ada", "bob"):
            assert register(served, agent).status == 201
        for agent in ("ada.x", "ada.y"):
            assert register(served, agent, parent="ada").status == 201
        yield served
    report = verify_storage(tmp_path / "arc.sqlite3", False, no_progress, no_progress)
    assert (report.findings, report.compared) == ((), True)


def register(hub: ServedHub, agent: str, **more: Any) -> Answer:
    return hub.post("/v1/sessions", {"agent_id": agent, **more})


def lock(hub: ServedHub, agent: str, path: str = "src/a.py", **more: Any) -> Answer:
    return hub.post("/v1/locks", {"agent_id": agent, "file_path": path, **more})


def claim(hub: ServedHub, agent: str, key: str = "build", **more: Any) -> Answer:
    return hub.post("/v1/claims", {"owner_agent_id": agent, "claim_key": key, **more})


def is_refused_by(answer: Answer, holder: str) -> bool:
    return (answer.body["acquired"], answer.result["agent_id"]) == (False, holder)


def held(hub: ServedHub) -> list[tuple[str, str]]:
    return [(one["agent_id"], one["key"]) for one in hub.get("/v1/locks?active_only=1").result]


def end(hub: ServedHub, agent: str) -> None:
    session = hub.get(f"/v1/agents/{agent}").result["session"]["session_id"]
    assert hub.call("DELETE", f"/v1/sessions/{session}").status == 200


def test_a_sub_agent_is_shown_with_its_parent(hub: ServedHub) -> None:
    assert hub.get("/v1/agents/ada.x").result["session"]["parent"] == "ada"
    assert "parent" not in hub.get("/v1/agents/ada").result["session"]


@pytest.mark.parametrize("path", ["src/a.py", "src/**", "src"])
def test_a_sub_agent_may_lock_what_its_parent_has_and_both_have_it(hub: ServedHub, path: str) -> None:
    assert lock(hub, "ada", path).body["acquired"]
    assert lock(hub, "ada.x").body["acquired"]
    assert held(hub) == [("ada", path), ("ada.x", "src/a.py")]
    assert lock(hub, "ada", path).body["acquired"]
    assert hub.post("/v1/locks/release", {"agent_id": "ada", "file_path": path}).status == 200
    assert held(hub) == [("ada.x", "src/a.py")]
    assert is_refused_by(lock(hub, "bob"), "ada.x")


def test_two_sub_agents_of_one_parent_stand_in_each_others_way_also_below_its_lock(hub: ServedHub) -> None:
    lock(hub, "ada", "src/**")
    lock(hub, "ada.x")
    assert is_refused_by(lock(hub, "ada.y"), "ada.x")
    assert lock(hub, "ada.y", "src/b.py").body["acquired"]


def test_what_a_sub_agent_has_stands_in_the_way_of_its_parent(hub: ServedHub) -> None:
    lock(hub, "ada.x")
    assert is_refused_by(lock(hub, "ada"), "ada.x")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lock, hub, "ada", wait_sec=20)
        wait_until(lambda: hub.get("/v1/locks/queue").result)
        hub.post("/v1/locks/release", {"agent_id": "ada.x", "file_path": "src/a.py"})
        assert call.result(30).body["acquired"]


def test_a_question_about_conflicts_says_the_same(hub: ServedHub) -> None:
    lock(hub, "ada", "src/**")
    assert hub.get("/v1/locks/conflicts?path=src/a.py&agent_id=ada.x").result == []
    lock(hub, "ada.x")
    found = hub.get("/v1/locks/conflicts?path=src/a.py&agent_id=ada.y").result
    assert [one["agent_id"] for one in found] == ["ada.x"]


def test_a_claim_of_its_parent_is_a_sub_agents_own(hub: ServedHub) -> None:
    token = claim(hub, "ada").result["fencing_token"]
    found = claim(hub, "ada.x")
    assert (found.body["acquired"], found.result["owner_agent_id"], found.result["fencing_token"]) == (
        True, "ada", token,
    )  # fmt: skip
    assert not claim(hub, "bob").body["acquired"]


def test_a_write_of_a_sub_agent_may_rely_on_its_parents_token_and_not_on_a_strangers(hub: ServedHub) -> None:
    token = lock(hub, "ada", "src/**").result["fencing_token"]

    def post(agent: str) -> int:
        body = {"from_agent": agent, "body": "done", "require": {"lock/src/a.py": token}}
        return hub.post("/v1/messages", body).status

    assert [post("ada.x"), post("ada"), post("bob")] == [201, 201, 409]


@pytest.mark.parametrize(("deed", "more"), [("complete", {}), ("fail", {"reason": "it broke"})])
def test_a_sub_agent_ends_a_task_under_the_token_of_its_parent_and_a_stranger_does_not(
    hub: ServedHub, deed: str, more: dict[str, str]
) -> None:
    task = {"from_agent": "bob", "kind": "task", "body": "build it", "channel": "general"}
    task_id = hub.post("/v1/messages", task).result["id"]
    token = hub.post("/v1/claims", {"owner_agent_id": "ada", "task_message_id": task_id}).result["fencing_token"]

    def end_it(agent: str) -> Answer:
        return hub.post(f"/v1/tasks/{task_id}/{deed}", {"agent_id": agent, "fencing_token": token, **more})

    assert (end_it("bob").status, end_it("bob").body["code"]) == (409, "stale_token")
    assert end_it("ada.x").status == 200


def test_a_family_waits_as_one(hub: ServedHub) -> None:
    lock(hub, "ada", "src/**")
    lock(hub, "bob", "docs/**")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lock, hub, "bob", "src/b.py", wait_sec=20)
        wait_until(lambda: hub.get("/v1/locks/queue").result)
        refused = lock(hub, "ada.x", "docs/a.md", wait_sec=20)
        assert (refused.status, refused.body["code"]) == (409, "deadlock")
        assert "ada.x waits for bob (docs/**), and bob waits for ada (src/**)" in refused.body["error"]
        assert lock(hub, "ada.x", "src/c.py").body["acquired"]
        hub.post("/v1/locks/release", {"agent_id": "ada", "file_path": "src/**"})
        assert call.result(30).body["acquired"]


def test_sub_agents_that_would_wait_for_each_other_are_a_circle_too(hub: ServedHub) -> None:
    lock(hub, "ada.x", "a")
    lock(hub, "ada.y", "b")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lock, hub, "ada.x", "b", wait_sec=20)
        wait_until(lambda: hub.get("/v1/locks/queue").result)
        assert lock(hub, "ada.y", "a", wait_sec=20).body["code"] == "deadlock"
        hub.post("/v1/locks/release", {"agent_id": "ada.y", "file_path": "b"})
        assert call.result(30).body["acquired"]


@pytest.mark.parametrize("agent", ["ada", "ada.x"])
def test_what_one_of_a_family_has_is_not_handed_out_of_it_beside_the_other(hub: ServedHub, agent: str) -> None:
    lock(hub, "ada", "src/**")
    lock(hub, "ada.x")
    path = {"ada": "src/**", "ada.x": "src/a.py"}[agent]
    body = {"agent_id": agent, "to_agent_id": "bob", "file_path": path}
    refused = hub.post("/v1/locks/handover", body)
    assert (refused.status, refused.body["code"]) == (409, "conflict")
    assert (
        hub.post(
            "/v1/locks/handover", {**body, "agent_id": "ada.x", "to_agent_id": "ada", "file_path": "src/a.py"}
        ).status
        == 200
    )
    assert sorted(held(hub)) == [("ada", "src/**"), ("ada", "src/a.py")]


def test_what_a_sub_agent_has_ends_with_its_parent_and_is_told_once(hub: ServedHub) -> None:
    lock(hub, "ada.x")
    lock(hub, "ada.x", "src/b.py")
    lock(hub, "ada.y", "src/c.py")
    lock(hub, "ada", "docs/**")
    end(hub, "ada")
    assert held(hub) == [("ada", "docs/**")]
    assert [one["agent_id"] for one in hub.get("/v1/agents").result] == ["bob"]
    told = [one["body"] for one in hub.get("/v1/messages?channel=general").result if one["from_agent"] == "system"]
    assert told == [
        "Released 2 locks: their owner ada.x is gone.\nlock src/a.py\nlock src/b.py",
        "Released the lock on src/c.py: its owner ada.y is gone.",
    ]


def test_what_a_sub_agent_waits_for_ends_with_its_parent(hub: ServedHub) -> None:
    lock(hub, "bob")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lock, hub, "ada.x", wait_sec=20)
        wait_until(lambda: hub.get("/v1/locks/queue").result)
        end(hub, "ada")
        assert not call.result(30).body["acquired"]
    assert hub.get("/v1/locks/queue").result == []


def test_the_end_of_a_sub_agent_leaves_its_parent_alone(hub: ServedHub) -> None:
    lock(hub, "ada", "src/**")
    lock(hub, "ada.x")
    end(hub, "ada.x")
    assert [one["agent_id"] for one in hub.get("/v1/agents").result] == ["ada", "ada.y", "bob"]
    assert held(hub) == [("ada", "src/**"), ("ada.x", "src/a.py")]


def test_a_message_to_a_sub_agent_is_its_own(hub: ServedHub) -> None:
    hub.post("/v1/messages", {"from_agent": "bob", "to_agent": "ada.x", "channel": "direct", "body": "hello"})
    assert [one["body"] for one in hub.get("/v1/inbox/ada.x").result] == ["hello"]
    assert hub.get("/v1/inbox/ada").result == []


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        ({"agent_id": "eve", "parent": "ada"}, 400, "must be ada.NAME, with no dot in NAME, not 'eve'"),
        ({"agent_id": "ada.", "parent": "ada"}, 400, "must be ada.NAME"),
        ({"agent_id": "ada.x.z", "parent": "ada.x"}, 400, "ada.x is one of ada"),
        ({"agent_id": "cyd.x", "parent": "cyd"}, 404, "agent 'cyd' has no active session, so cyd.x cannot be"),
    ],
)
def test_who_cannot_be_a_sub_agent_is_told_why(hub: ServedHub, given: dict[str, str], status: int, why: str) -> None:
    refused = hub.post("/v1/sessions", given)
    assert refused.status == status
    assert why in refused.body["error"]


def test_who_holds_something_of_its_own_does_not_become_a_sub_agent(hub: ServedHub) -> None:
    register(hub, "bob.x")
    lock(hub, "bob.x")
    refused = register(hub, "bob.x", parent="bob", replace=True)
    assert (refused.status, refused.body["code"]) == (409, "conflict")
    assert is_refused_by(lock(hub, "bob"), "bob.x")


def test_a_sub_agent_stays_one_however_it_registers_again(hub: ServedHub) -> None:
    lock(hub, "ada", "src/**")
    assert register(hub, "ada.x", replace=True).result["parent"] == "ada"
    assert lock(hub, "ada.x").body["acquired"]


def test_a_dot_in_a_name_alone_makes_nobody_a_sub_agent(hub: ServedHub) -> None:
    register(hub, "ada.z")
    lock(hub, "ada", "src/**")
    assert is_refused_by(lock(hub, "ada.z"), "ada")


def test_the_client_registers_a_sub_agent(hub: ServedHub) -> None:
    with ArcClient("ada.tests", hub.url) as client:
        assert client.register(parent="ada")["parent"] == "ada"


def test_a_name_that_is_bound_to_a_token_binds_the_names_of_its_sub_agents(hub: ServedHub) -> None:
    digest = "0" * 63 + "1"
    assert hub.post("/v1/tokens", {"agent_id": "bob", "token_sha256": digest}).status in {200, 201}
    refused = register(hub, "bob.x", parent="bob")
    assert (refused.status, "bound to a token" in refused.body["error"]) == (403, True)


def test_a_sub_agent_in_a_sandbox_registers_through_its_own_folder(hub: ServedHub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    lock(hub, "ada", "src/**")
    with serving(spool, HttpSend(hub.url)):
        relay = FileRelayClient(agent_id="ada.box", spool_dir=spool, timeout=20)
        opened = relay.call("POST", "/v1/sessions", {"agent_id": "ada.box", "parent": "ada"})["body"]
        assert opened["result"]["parent"] == "ada"
        locked = relay.call("POST", "/v1/locks", {"agent_id": "ada.box", "file_path": "src/a.py"})["body"]
        assert locked["acquired"]
        hub.post("/v1/tokens", {"agent_id": "bob", "token_sha256": "0" * 63 + "1"})
        other = FileRelayClient(agent_id="bob.box", spool_dir=spool, timeout=20)
        refused = other.call("POST", "/v1/sessions", {"agent_id": "bob.box", "parent": "bob"})
        assert refused["status"] == 403
