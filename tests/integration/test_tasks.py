"""Tasks over HTTP: what is ready and for whom, the next one, and what becomes of tasks."""

import threading
from typing import Any
from uuid import uuid4

import pytest

from tests.support.hub_process import Answer
from tests.support.served_hub import ServedHub
from tests.support.waiting import wait_until


def add(hub: ServedHub, body: str = "work", **terms: Any) -> int:
    posted = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": body, **terms})
    assert posted.status == 201, posted.body
    task_id: int = posted.result["id"]
    return task_id


def take(hub: ServedHub, agent: str = "a", **how: Any) -> Answer:
    return hub.post("/v1/tasks/next", {"agent_id": agent, **how})


def taken(hub: ServedHub, agent: str = "a", **how: Any) -> int | None:
    result = take(hub, agent, **how).result
    return None if result is None else result["task"]["task_id"]


def shown(hub: ServedHub, task_id: int, at: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = hub.get(f"/v1/tasks/{task_id}" + ("" if at is None else f"?as_of={at}")).result
    return found


def test_a_task_says_what_it_is_and_how_it_stands(hub: ServedHub) -> None:
    before = add(hub)
    task_id = add(
        hub,
        "\n Mend the door \nwith glue",
        priority=1,
        depends_on=[before],
        needs=["glue"],
        not_before="2020-01-01T00:00:00Z",
        max_attempts=5,
        assignee="carpenter",
    )
    found = shown(hub, task_id)
    told = ("title", "state", "status", "opener", "assignee", "priority", "depends_on", "needs", "waits_for")
    assert [found[name] for name in told] == [
        "Mend the door",
        "open",
        "open",
        "boss",
        "carpenter",
        1,
        [before],
        ["glue"],
        1,
    ]
    assert (found["not_before"], found["attempts"], found["max_attempts"]) == ("2020-01-01T00:00:00.000000Z", 0, 5)
    assert found["not_ready"] == [f"depends on task {before}, which is open"]


def test_the_next_task_is_that_of_the_highest_priority_and_within_it_the_oldest(hub: ServedHub) -> None:
    low, usual, other, high = (add(hub, priority=priority) for priority in (4, 2, 2, 0))
    assert [taken(hub) for _ in range(5)] == [high, usual, other, low, None]


def test_who_takes_a_task_has_its_lease_and_who_completes_it_gives_it_back(hub: ServedHub) -> None:
    task_id = add(hub)
    answer = take(hub, "a", ttl_sec=60)
    assert answer.body["acquired"] is True
    task = answer.result["task"]
    assert (task["state"], task["claimed_by"], task["status"]) == ("claimed", "a", "open")
    assert "oldest of priority 2" in answer.result["why"]
    (claim,) = hub.get("/v1/claims?active_only=1").result
    assert (claim["claim_key"], claim["fencing_token"]) == (f"task-{task_id}", task["fencing_token"])
    stale = hub.post(f"/v1/tasks/{task_id}/complete", {"agent_id": "a", "fencing_token": 1})
    assert (stale.status, stale.body["code"]) == (409, "stale_token")
    done = hub.post(f"/v1/tasks/{task_id}/complete", {"agent_id": "a", "fencing_token": task["fencing_token"]})
    assert (done.result["state"], done.result["claimed_by"]) == ("done", None)
    assert hub.get("/v1/claims?active_only=1").result == []


def test_a_task_is_ready_when_what_it_depends_on_is_done(hub: ServedHub) -> None:
    first = add(hub, priority=4)
    then = add(hub, priority=0, depends_on=[first])
    part = add(hub, parent_task_id=then)
    assert [taken(hub), taken(hub)] == [first, None]
    hub.post(f"/v1/tasks/{first}/complete", {})
    assert [taken(hub), taken(hub)] == [part, None]
    hub.post(f"/v1/tasks/{part}/cancel", {})
    assert taken(hub) == then


def test_an_agent_gets_what_it_can_do_and_what_is_meant_for_it(hub: ServedHub) -> None:
    needs = add(hub, needs=["gpu"])
    assigned = add(hub, assignee="b")
    later = add(hub, not_before="2999-01-01T00:00:00Z")
    assert taken(hub) is None
    assert [task["task_id"] for task in hub.get("/v1/tasks?ready=1").result] == [needs, assigned]
    reasons = {task["task_id"]: task["not_ready"] for task in hub.get("/v1/tasks?explain=1&agent_id=a").result}
    assert reasons == {
        needs: ["it needs gpu"],
        assigned: ["it is assigned to b"],
        later: ["it is not to be begun before 2999-01-01T00:00:00.000000Z"],
    }
    hub.post("/v1/sessions", {"agent_id": "c", "capabilities": ["gpu"]})
    assert [taken(hub, "c"), taken(hub, "b")] == [needs, assigned]


def test_a_task_that_is_assigned_anew_is_the_other_ones(hub: ServedHub) -> None:
    task_id = add(hub, assignee="b")
    assert hub.post(f"/v1/tasks/{task_id}/assign", {"agent_id": "boss", "assignee": "c"}).result["assignee"] == "c"
    assert [taken(hub, "b"), taken(hub, "c")] == [None, task_id]


def test_what_failed_tells_who_opened_it_and_keeps_others_waiting_until_it_is_done_after_all(hub: ServedHub) -> None:
    parent = hub.post("/v1/messages", {"from_agent": "chief", "kind": "task", "body": "all"}).result["id"]
    child = add(hub, parent_task_id=parent)
    after = add(hub, depends_on=[child])
    assert taken(hub) == child
    failed = hub.post(f"/v1/tasks/{child}/fail", {"agent_id": "a", "reason": "no glue"})
    assert (failed.result["state"], failed.result["status"]) == ("failed", "done")
    notice = hub.get("/v1/messages?channel=general&tail=1&limit=1").result[0]
    assert notice["body"] == f"Task {child} failed, says a: no glue (for boss, chief)"
    assert notice["metadata"] == {"task_failed": child, "concerns": ["boss", "chief"]}
    assert shown(hub, after)["not_ready"] == [f"depends on task {child}, which is failed"]
    refused = hub.post(f"/v1/tasks/{child}/complete", {})
    assert (refused.status, refused.body["code"]) == (409, "not_ready")
    assert hub.post(f"/v1/tasks/{child}/reopen", {"agent_id": "boss"}).result["state"] == "open"
    hub.post(f"/v1/tasks/{child}/complete", {})
    assert [shown(hub, one)["state"] for one in (child, parent, after)] == ["done", "done", "open"]
    assert taken(hub) == after


def test_a_parent_with_a_failed_child_is_not_rolled_up(hub: ServedHub) -> None:
    parent = add(hub)
    first, second = add(hub, parent_task_id=parent), add(hub, parent_task_id=parent)
    hub.post(f"/v1/tasks/{first}/fail", {"agent_id": "a"})
    done = hub.post(f"/v1/tasks/{second}/complete", {})
    assert "parent_completed" not in done.body
    assert shown(hub, parent)["state"] == "open"


def test_a_cancelled_task_takes_its_parts_with_it_until_it_is_open_again(hub: ServedHub) -> None:
    parent = add(hub)
    child = add(hub, parent_task_id=parent)
    assert hub.post(f"/v1/tasks/{parent}/cancel", {"agent_id": "boss"}).result["state"] == "cancelled"
    assert taken(hub) is None
    assert shown(hub, child)["not_ready"] == [f"task {parent}, of which it is a part, is cancelled"]
    hub.post(f"/v1/tasks/{parent}/reopen", {})
    assert taken(hub) == child


def test_the_past_of_a_task_is_as_it_was(hub: ServedHub) -> None:
    first = add(hub)
    then = add(hub, depends_on=[first])
    token = take(hub).result["task"]["fencing_token"]
    done = hub.post(f"/v1/tasks/{first}/complete", {"agent_id": "a"})
    event_id = int(done.headers["x-arc-event"])
    assert [shown(hub, first, at)["state"] for at in (then, token, event_id)] == ["open", "claimed", "done"]
    assert [shown(hub, then, at)["waits_for"] for at in (then, token, event_id)] == [1, 1, 0]
    assert [task["task_id"] for task in hub.get(f"/v1/tasks?ready=1&as_of={then}").result] == [first]
    entities = {change["entity"] for change in hub.get(f"/v1/log/{event_id}").result["changes"]}
    assert entities >= {f"task/{first}", f"task/{then}", f"claim/task-{first}"}


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        (
            [{"body": "x", "ref": "a", "depends_on": ["b"]}, {"body": "y", "ref": "b", "depends_on": ["a"]}],
            "dependency_cycle",
        ),
        ([{"body": "x", "ref": "a"}, {"body": "y", "parent": "a", "depends_on": ["a"]}], "dependency_cycle"),
        (
            [
                {"body": "x", "ref": "p", "depends_on": ["d"]},
                {"body": "y", "ref": "c", "parent": "p"},
                {"body": "z", "ref": "d", "depends_on": ["c"]},
            ],
            "dependency_cycle",
        ),
        ([{"body": "x", "depends_on": ["nobody"]}], "invalid_input"),
        ([{"body": "x", "depends_on": [999_999]}], "invalid_input"),
        ([{"body": "x", "ref": "a"}, {"body": "y", "ref": "a"}], "invalid_input"),
        ([{"body": "x"}, {"body": ""}], "invalid_input"),
        ([{"body": "x"}, {"body": "y", "priority": 9}], "invalid_input"),
        ([], "invalid_input"),
    ],
)
def test_a_batch_that_cannot_be_opens_nothing(hub: ServedHub, tasks: list[dict[str, Any]], code: str) -> None:
    refused = hub.post("/v1/tasks", {"agent_id": "boss", "tasks": tasks})
    assert (refused.status, refused.body["code"]) == (400, code)
    assert hub.get("/v1/tasks").result == []


def test_a_batch_is_opened_in_one_event_with_what_depends_on_what(hub: ServedHub) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    batch = {
        "agent_id": "boss",
        "thread_id": "t",
        "tasks": [
            {"body": "ship", "ref": "ship", "depends_on": ["test"]},
            {"body": "test", "ref": "test", "priority": 0},
            {"body": "write notes", "parent": "ship"},
        ],
    }
    opened = hub.post("/v1/tasks", batch, headers=key)
    assert opened.status == 201
    ship, test, notes = opened.result
    assert [task["title"] for task in (ship, test, notes)] == ["ship", "test", "write notes"]
    assert (ship["depends_on"], ship["waits_for"], notes["parent_task_id"]) == ([test["task_id"]], 2, ship["task_id"])
    assert int(opened.headers["x-arc-event"]) == notes["task_id"]
    assert hub.post("/v1/tasks", batch, headers=key).result == opened.result
    messages = hub.get("/v1/messages?thread_id=t").result
    assert [message["id"] for message in messages] == [task["task_id"] for task in (ship, test, notes)]
    assert hub.get("/v1/threads/t").result["thread"]["open_task_count"] == 3
    life = hub.get(f"/v1/log?stream=task/{ship['task_id']}").result
    assert [event["type"] for event in life] == ["tasks.opened"]
    assert [taken(hub), taken(hub)] == [test["task_id"], None]


def test_a_message_cannot_open_what_would_wait_for_itself(hub: ServedHub) -> None:
    parent = add(hub)
    above = add(hub, depends_on=[parent])
    for depends_on in ([parent], [above]):
        refused = hub.post(
            "/v1/messages",
            {"from_agent": "a", "kind": "task", "body": "x", "parent_task_id": parent, "depends_on": depends_on},
        )
        assert (refused.status, refused.body["code"]) == (400, "dependency_cycle"), refused.body


def test_who_waits_for_work_gets_it_as_soon_as_there_is_some(hub: ServedHub) -> None:
    got: list[int | None] = []
    worker = threading.Thread(target=lambda: got.append(taken(hub, "w", wait_sec=30)))
    worker.start()
    wait_until(lambda: hub.hub._waiters._at_work)
    task_id = add(hub)
    worker.join(10)
    assert got == [task_id]


def test_who_waits_in_vain_gets_nothing_and_leaves_no_event(hub: ServedHub) -> None:
    head = hub.get("/v1/health").result["head"]
    answer = take(hub, "w", wait_sec=0.2)
    assert (answer.status, answer.result, answer.body["acquired"]) == (200, None, False)
    assert hub.get("/v1/health").result["head"] == head


def test_a_retry_under_its_key_gets_the_same_task(hub: ServedHub) -> None:
    first, _other = add(hub), add(hub)
    key = {"Idempotency-Key": uuid4().hex}
    answers = [hub.post("/v1/tasks/next", {"agent_id": "a"}, headers=key) for _ in range(2)]
    assert [answer.result["task"]["task_id"] for answer in answers] == [first, first]
    assert answers[0].result == answers[1].result


@pytest.mark.parametrize(
    "terms",
    [
        {"priority": 5},
        {"priority": -1},
        {"max_attempts": 0},
        {"needs": [" "]},
        {"not_before": "tomorrow"},
        {"depends_on": [0]},
        {"kind": "chat", "priority": 1},
        {"options": ["yes"]},
        {"ack": True},
    ],
)
def test_terms_that_cannot_be_are_refused(hub: ServedHub, terms: dict[str, Any]) -> None:
    refused = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": "x", **terms})
    assert (refused.status, refused.body["code"]) == (400, "invalid_input")


def test_a_task_goes_to_another_agent_with_no_moment_in_between(hub: ServedHub) -> None:
    task_id = add(hub, max_attempts=1)
    body = {"agent_id": "a", "to_agent_id": "b"}
    refused = hub.post(f"/v1/tasks/{task_id}/handover", body)
    assert (refused.status, refused.body["code"]) == (409, "not_ready")
    token = take(hub).result["task"]["fencing_token"]
    assert hub.post(f"/v1/tasks/{task_id}/handover", body).status == 404  # b is not here
    hub.post("/v1/sessions", {"agent_id": "b"})
    assert hub.post(f"/v1/tasks/{task_id}/handover", {**body, "fencing_token": token - 1}).status == 409
    lease = hub.post(f"/v1/tasks/{task_id}/handover", {**body, "fencing_token": token}).result
    assert (lease["owner_agent_id"], lease["claim_key"]) == ("b", f"task-{task_id}")
    found = shown(hub, task_id)
    assert (found["claimed_by"], found["fencing_token"], found["attempts"]) == ("b", lease["fencing_token"], 0)
    late = hub.post(f"/v1/tasks/{task_id}/complete", {"agent_id": "a", "fencing_token": token})
    assert (late.status, late.body["code"]) == (409, "stale_token")
    done = hub.post(f"/v1/tasks/{task_id}/complete", {"agent_id": "b", "fencing_token": lease["fencing_token"]})
    assert done.result["state"] == "done"
    assert hub.post(f"/v1/tasks/{task_id}/handover", {**body, "agent_id": "b", "to_agent_id": "a"}).status == 409


def test_a_failed_task_that_is_cancelled_is_not_counted_as_ended_twice(hub: ServedHub) -> None:
    said = {"from_agent": "a", "kind": "task", "thread_id": "t"}
    for body in ("one", "two"):
        assert hub.post("/v1/messages", {**said, "body": body}).status == 201
    first = hub.get("/v1/tasks?thread_id=t").result[0]["task_id"]
    for deed in ("fail", "cancel"):
        assert hub.post(f"/v1/tasks/{first}/{deed}", {"agent_id": "a", "reason": "no"}).status == 200
    assert hub.get("/v1/threads/t").result["thread"]["open_task_count"] == 1


def test_a_failed_part_that_is_cancelled_no_longer_holds_up_its_parent(hub: ServedHub) -> None:
    whole = add(hub)
    broken, other = add(hub, parent_task_id=whole), add(hub, parent_task_id=whole)
    hub.post(f"/v1/tasks/{broken}/fail", {"agent_id": "a"})
    before = shown(hub, whole)
    cancelled = hub.post(f"/v1/tasks/{broken}/cancel", {"agent_id": "boss"}).result
    assert (cancelled["state"], shown(hub, whole)["waits_for"]) == ("cancelled", before["waits_for"])
    done = hub.post(f"/v1/tasks/{other}/complete", {"agent_id": "a"})
    assert done.body["parent_completed"] is True
    assert shown(hub, whole)["state"] == "done"
