"""Preconditions: a change is refused when more has happened than its caller had seen, whichever way it came."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from arc import ArcClient, ArcError, RelyingOn
from tests.support.hub_process import Answer, HubProcess
from tests.support.mcp_hosts import call, call_in_vain, over_http
from tests.support.served_hub import ServedHub


def say(hub: ServedHub, stream: str, event_id: int, **more: Any) -> Answer:
    seen = {"stream": stream, "event_id": event_id}
    return hub.post("/v1/messages", {"from_agent": "a", "body": "on it", "if_none_since": seen, **more})


def head(hub: ServedHub) -> int:
    found: int = hub.get("/v1/health").result["head"]
    return found


def post_all(hub: ServedHub, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to the lines of a batch."""
    body = "\n".join(map(json.dumps, messages)).encode()
    head = "POST /v1/messages:batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
    said = hub.exchange(f"{head}{len(body)}\r\n\r\n".encode() + body)
    return [json.loads(line) for line in said.partition(b"\r\n\r\n")[2].splitlines()]


def test_a_change_is_done_while_nothing_more_happened_and_refused_after_it(hub: ServedHub) -> None:
    task_id = hub.say("work", kind="task")
    assert say(hub, f"task/{task_id}", task_id).status == 201
    done = int(hub.post(f"/v1/tasks/{task_id}/complete", {"agent_id": "b"}).headers["x-arc-event"])
    before = head(hub)
    refused = say(hub, f"task/{task_id}", task_id)
    assert (refused.status, refused.body["code"]) == (409, "conflict")
    assert refused.body["error"] == (
        f"task/{task_id} has changed since event {task_id}: event {done} is task.completed by b. Nothing was done: "
        f"look at what came, and if you still want this, ask again with event_id {done} "
        f"(GET /v1/log?stream=task/{task_id}&after={task_id} has it)"
    )
    assert head(hub) == before
    assert [one["event_id"] for one in hub.get(f"/v1/log?stream=task/{task_id}&after={task_id}").result] == [done]
    assert say(hub, f"task/{task_id}", done).status == 201


def test_what_concerns_a_thing_counts_though_it_is_recorded_elsewhere(hub: ServedHub) -> None:
    parent = hub.say("whole", kind="task")
    part = hub.say("part", kind="task", parent_task_id=parent)
    seen = head(hub)
    hub.post(f"/v1/tasks/{part}/complete", {"agent_id": "b"})
    assert say(hub, f"task/{parent}", seen).status == 409


def take_task(hub: ServedHub, agent: str) -> tuple[int, int]:
    """The task that an agent gets, and the fencing token of its lease on it."""
    hub.post("/v1/sessions", {"agent_id": agent, "replace": True})
    hub.say("work", kind="task")
    task = hub.post("/v1/tasks/next", {"agent_id": agent}).result["task"]
    return task["task_id"], task["fencing_token"]


@pytest.mark.parametrize("path", ["/v1/tasks/{task_id}/handover", "/v1/claims/handover", "/v1/claims/release"])
def test_who_has_a_task_concerns_the_task_whichever_way_it_changes(hub: ServedHub, path: str) -> None:
    hub.post("/v1/sessions", {"agent_id": "c"})
    task_id, token = take_task(hub, "b")
    seen = head(hub)
    body = {"agent_id": "b", "to_agent_id": "c", "claim_key": f"task-{task_id}", "fencing_token": token}
    if path.startswith("/v1/tasks"):
        del body["claim_key"]
    if path.endswith("release"):
        del body["to_agent_id"]
    changed = int(hub.post(path.format(task_id=task_id), body).headers["x-arc-event"])
    refused = say(hub, f"task/{task_id}", seen)
    assert refused.status == 409
    assert f"event {changed} is " in refused.body["error"]
    assert [one["event_id"] for one in hub.get(f"/v1/log?stream=task/{task_id}&after={seen}").result] == [changed]


def test_a_lease_that_is_only_prolonged_changes_nothing_of_its_task(hub: ServedHub) -> None:
    task_id, _token = take_task(hub, "b")
    seen = head(hub)
    hub.post("/v1/claims/refresh", {"owner_agent_id": "b", "claim_key": f"task-{task_id}"})
    assert head(hub) > seen
    assert say(hub, f"task/{task_id}", seen).status == 201


@pytest.mark.parametrize("deed", ["complete", "fail", "cancel"])
def test_the_end_of_a_task_concerns_the_lease_on_it(hub: ServedHub, deed: str) -> None:
    task_id, _token = take_task(hub, "b")
    seen = head(hub)
    hub.post(f"/v1/tasks/{task_id}/{deed}", {"agent_id": "b"})
    assert say(hub, f"claim/task-{task_id}", seen).status == 409


@pytest.mark.parametrize("stream", ["lock/src/", "lock/./src/", "lock/"])
def test_all_below_a_folder_counts_however_it_is_written(hub: ServedHub, stream: str) -> None:
    seen = head(hub)
    hub.post("/v1/locks", {"agent_id": "b", "file_path": "docs/a.md"})
    assert say(hub, "lock/src/", seen).status == 201
    hub.post("/v1/locks", {"agent_id": "b", "paths": ["docs/b.md", "src/deep/a.py"]})
    assert say(hub, stream, seen).status == 409
    assert say(hub, stream, head(hub)).status == 201


def test_a_change_of_long_ago_is_found_too(hub: ServedHub) -> None:
    seen = head(hub)
    hub.post("/v1/locks", {"agent_id": "b", "file_path": "src/a.py"})
    lines = [{"from_agent": "b", "body": "x"}] * 2_500
    assert len(post_all(hub, lines)) == 2_500
    assert say(hub, "lock/src/", seen).status == 409
    assert say(hub, "claim/", seen).status == 201


def test_a_retry_under_its_key_gets_the_first_answer_though_more_happened_since(hub: ServedHub) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    seen = head(hub)
    body = {"from_agent": "a", "body": "x", "if_none_since": {"stream": "channel/general", "event_id": seen}}
    first = hub.post("/v1/messages", body, headers=key)
    assert first.status == 201
    assert hub.post("/v1/messages", body, headers=key).result == first.result
    assert hub.post("/v1/messages", body).status == 409


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"stream": "task/1"}, "event_id is required"),
        ({"stream": "task", "event_id": 0}, "must be a stream such as task/42"),
        ({"stream": "task/1", "event_id": 10**6}, "is beyond event"),
        ("task/1", "must be an object"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_says_what_to_change(hub: ServedHub, given: object, problem: str) -> None:
    refused = hub.post("/v1/messages", {"from_agent": "a", "body": "x", "if_none_since": given})
    assert 400 <= refused.status < 500
    assert problem in refused.body["error"]


def test_each_line_of_a_batch_has_its_own(hub: ServedHub) -> None:
    seen = {"stream": "channel/general", "event_id": head(hub)}
    token = int(hub.post("/v1/locks", {"agent_id": "a", "file_path": "a.py"}).headers["x-arc-event"])
    lines = [
        {"from_agent": "a", "body": "first", "if_none_since": seen},
        {"from_agent": "a", "body": "second", "if_none_since": seen},
        {"from_agent": "a", "body": "third", "require": {"lock/a.py": token}},
        {"from_agent": "a", "body": "fourth", "require": {"lock/a.py": token + 1}},
        {"from_agent": "a", "body": "fifth", "if_none_since": {**seen, "event_id": True}},
    ]
    answers = post_all(hub, lines)
    assert [one.get("status", 201) for one in answers] == [201, 409, 201, 409, 400]
    assert answers[1]["code"] == "conflict"


def test_every_tool_that_changes_something_takes_it(hub: ServedHub) -> None:
    async def story() -> None:
        async with over_http(hub.url, "alice") as alice:
            hub.say("hello")
            listed = {tool.name: tool for tool in (await alice.list_tools()).tools}
            shown = {name for name, tool in listed.items() if "if_none_since" in tool.input_schema["properties"]}
            assert shown == {"arc_complete_task", "arc_post_message"}
            late = {"stream": "channel/general", "event_id": 0}
            refused = await call_in_vain(alice, "arc_dm", to_agent="b", body="x", if_none_since=late)
            assert "channel/general has changed" in refused
            task = await call(alice, "arc_post_message", channel="general", body="work", kind="task")
            seen = {"stream": f"task/{task['id']}", "event_id": task["id"]}
            hub.post(f"/v1/tasks/{task['id']}/assign", {"agent_id": "b", "assignee": "b"})
            said = await call_in_vain(alice, "arc_complete_task", task_id=task["id"], if_none_since=seen)
            assert "task.assigned by b" in said
            assert "arc_history has it" in said
            assert "/v1/" not in said
            seen["event_id"] = head(hub)
            assert (await call(alice, "arc_complete_task", task_id=task["id"], if_none_since=seen))["status"] == "done"
            assert "is not an argument" in await call_in_vain(alice, "arc_list_tasks", if_none_since=seen)

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_client_says_what_its_changes_rely_on_over_http_and_the_relay(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        with ArcClient("ada", hub.url) as ada, ArcClient.over_relay("ada", hub.spool_dir) as relayed:
            for client in (ada, relayed):
                task = ada.add_task("work")
                with RelyingOn(if_none_since=(f"task/{task['id']}", task["id"])):
                    assert client.assign_task(task["id"], "bob")["assignee"] == "bob"
                    with pytest.raises(ArcError, match=r"task\.assigned by ada") as refused:
                        client.complete_task(task["id"])
                assert refused.value.status == 409
                assert client.complete_task(task["id"])["status"] == "done"
                lock = client.lock("a.py")
                with RelyingOn(require={"lock/a.py": lock["fencing_token"]}):
                    client.unlock("a.py")
                    with pytest.raises(ArcError, match="not the current one"):
                        client.post("general", "done")
    finally:
        hub.stop()
