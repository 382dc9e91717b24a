"""What the hub answers over HTTP: statuses, envelopes, headers, ids, keys, waiting."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from api.app import ROUTES
from api.http.routes import SpecialRoute
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    with served_hub(tmp_path_factory.mktemp("hub")) as served:
        yield served


def new(word: str = "a") -> str:
    """A name that no other test uses."""
    return f"{word}-{uuid4().hex[:8]}"


# Envelopes and headers ----------------------------------------------------------------------------------------------


def test_every_answer_names_the_storage(hub: ServedHub) -> None:
    instance = hub.get("/v1/hub-info").result["instance_id"]
    answers = [
        hub.get("/v1/channels"),
        hub.post("/v1/sessions", {"agent_id": new()}),
        hub.post("/v1/sessions", {}),
        hub.get("/v1/nothing"),
        hub.call("PUT", "/v1/messages"),
        hub.call("HEAD", "/"),
        hub.get("/v1/channels", headers={"Origin": "https://evil.example"}),
    ]
    assert [answer.headers["x-arc-instance"] for answer in answers] == [instance] * len(answers)


def test_no_answer_is_taken_for_something_else(hub: ServedHub) -> None:
    for path in ("/v1/channels", "/v1/nothing", "/openapi.json"):
        answer = hub.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_accepted_change_names_its_event(hub: ServedHub) -> None:
    posted = hub.post("/v1/messages", {"from_agent": new(), "body": "x"})
    assert posted.headers["x-arc-event"] == str(posted.result["id"])
    channel = new()
    made = hub.post("/v1/channels", {"name": channel})
    known = hub.post("/v1/channels", {"name": channel})
    assert (made.status, known.status) == (201, 200)
    assert made.headers["x-arc-event"] == known.headers["x-arc-event"]


def test_reads_refusals_and_what_changed_nothing_name_no_event(hub: ServedHub) -> None:
    answers = [
        hub.get("/v1/channels"),
        hub.post("/v1/messages", {}),
        hub.post("/v1/network", {"allow_remote": False}),
    ]
    assert [answer.headers.get("x-arc-event") for answer in answers] == [None, None, None]


def test_a_granted_lock_carries_its_fencing_token(hub: ServedHub) -> None:
    path = new("file")
    granted = hub.post("/v1/locks", {"agent_id": "l-a", "file_path": path})
    refused = hub.post("/v1/locks", {"agent_id": "l-b", "file_path": path})
    assert (granted.status, granted.body["acquired"]) == (201, True)
    assert granted.result["fencing_token"] == int(granted.headers["x-arc-event"])
    assert (refused.status, refused.body["acquired"]) == (200, False)
    assert refused.result["agent_id"] == "l-a"


def test_the_last_child_that_is_done_completes_its_parent(hub: ServedHub) -> None:
    parent = hub.say("P", kind="task")
    child = hub.say("C", kind="task", parent_task_id=parent)
    done = hub.post(f"/v1/tasks/{child}/complete", {"agent_id": "worker"})
    assert (done.status, done.body["parent_completed"], done.result["status"]) == (200, True, "done")
    again = hub.post(f"/v1/tasks/{child}/complete")
    assert (again.status, "parent_completed" in again.body) == (200, False)


# Routes and methods -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/v2/messages", "/v1/threads/", "/v1/messages/", "/favicon.ico", "//", "/v1/inbox/a/b", "/%76%31"],
)
def test_an_unknown_route_is_404(hub: ServedHub, path: str) -> None:
    answer = hub.get(path)
    assert (answer.status, answer.body["ok"], answer.body["code"]) == (404, False, "unknown_route")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/messages", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/channels", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/network", "OPTIONS, POST"),
        ("GET", "/v1/sessions/x", "DELETE, OPTIONS"),
        ("PATCH", "/v1/tasks/1/complete", "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(hub: ServedHub, method: str, path: str, allowed: str) -> None:
    answer = hub.call(method, path)
    assert (answer.status, answer.body["ok"], answer.headers["allow"]) == (405, False, allowed)


def test_head_is_get_without_the_body(hub: ServedHub) -> None:
    get, head = hub.get("/v1/channels"), hub.call("HEAD", "/v1/channels")
    assert (head.status, head.body) == (200, None)
    assert head.headers["content-length"] == get.headers["content-length"]


def test_head_of_the_stream_does_not_wait(hub: ServedHub) -> None:
    answer = hub.call("HEAD", "/v1/stream?agent_id=a", timeout=5)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_options_names_the_methods(hub: ServedHub) -> None:
    answer = hub.call("OPTIONS", "/v1/claims")
    assert (answer.status, answer.headers["allow"]) == (200, "GET, HEAD, OPTIONS, POST")
    assert "access-control-allow-origin" not in answer.headers


def test_every_route_answers_in_the_envelope_even_without_any_input(hub: ServedHub) -> None:
    for route in ROUTES:
        if not isinstance(route, SpecialRoute) and not route.path.startswith("/v1/shutdown"):
            answer = hub.call(route.method, route.path.replace("{", "").replace("}", ""))
            assert answer.status in {200, 201, 400, 404}, route
            assert isinstance(answer.body["ok"], bool), route


# Ids ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with space", "src/a/b.py", "🚀 漢字", "100%", "a+b", "a?b#c", "%2F", "ü"])
def test_ids_of_any_kind_stand_in_paths(hub: ServedHub, name: str) -> None:
    agent = f"{new()} {name}"
    encoded = quote(agent, safe="")
    hub.post("/v1/sessions", {"agent_id": agent})
    assert hub.post(f"/v1/sessions/{encoded}/rename", {"display_name": "R"}).result["agent_id"] == agent
    posted = hub.say("x", to_agent=agent, thread_id=agent)
    assert [m["id"] for m in hub.get(f"/v1/inbox/{encoded}").result] == [posted]
    assert hub.get(f"/v1/threads/{encoded}").result["thread"]["thread_id"] == agent


def test_a_path_may_be_sent_as_it_is_typed(hub: ServedHub) -> None:
    agent = new("🚀")
    posted = hub.say("x", to_agent=agent)
    answer = hub.exchange(f"GET /v1/inbox/{agent} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [m["id"] for m in json.loads(body)["result"]] == [posted]


@pytest.mark.parametrize("path", ["/v1/inbox/%ff", "/v1/inbox/a%0Ab", "/v1/inbox/%20", "/v1/inbox/%zz"])
def test_what_is_no_id_is_refused_in_a_path(hub: ServedHub, path: str) -> None:
    assert hub.get(path).status == 400


@pytest.mark.parametrize("agent", ["system", "a\x1bb", "x" * 257, "a\ud800"])
def test_what_is_no_agent_may_not_post(hub: ServedHub, agent: str) -> None:
    assert hub.post("/v1/messages", {"from_agent": agent, "body": "x"}).status == 400


def test_an_id_that_is_no_number_names_no_task(hub: ServedHub) -> None:
    for task_id in ("abc", "-1", "1.5", "9" * 40, "123456789"):
        assert hub.post(f"/v1/tasks/{task_id}/complete").status == 404


# Keys ---------------------------------------------------------------------------------------------------------------


def test_the_same_key_gets_the_same_answer_and_does_nothing_twice(hub: ServedHub) -> None:
    agent, key = new(), {"Idempotency-Key": uuid4().hex}
    first = hub.post("/v1/messages", {"from_agent": agent, "body": "once"}, headers=key)
    again = hub.post("/v1/messages", {"from_agent": agent, "body": "once"}, headers=key)
    assert (again.status, again.body, again.headers["x-arc-event"]) == (201, first.body, first.headers["x-arc-event"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/sessions", {"agent_id": "AGENT"}),
        ("/v1/channels", {"name": "AGENT", "created_by": "AGENT"}),
        ("/v1/claims", {"owner_agent_id": "AGENT", "claim_key": "AGENT"}),
        ("/v1/locks", {"agent_id": "AGENT", "file_path": "AGENT"}),
    ],
)
def test_every_kind_of_change_may_be_repeated_under_its_key(hub: ServedHub, path: str, body: dict[str, str]) -> None:
    name, key = new(), {"Idempotency-Key": uuid4().hex}
    request = {field: name if value == "AGENT" else value for field, value in body.items()}
    first, again = hub.post(path, request, headers=key), hub.post(path, request, headers=key)
    assert first.status == 201
    assert (again.status, again.body) == (first.status, first.body)


def test_a_key_of_another_request_is_422(hub: ServedHub) -> None:
    agent, key = new(), {"Idempotency-Key": uuid4().hex}
    hub.post("/v1/messages", {"from_agent": agent, "body": "one"}, headers=key)
    other = hub.post("/v1/messages", {"from_agent": agent, "body": "two"}, headers=key)
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_does_not_burn_its_key(hub: ServedHub) -> None:
    agent, key = new(), {"Idempotency-Key": uuid4().hex}
    assert hub.post("/v1/messages", {"from_agent": agent}, headers=key).status == 400
    assert hub.post("/v1/messages", {"from_agent": agent, "body": "x"}, headers=key).status == 201


def test_a_key_that_cannot_be_used_is_400(hub: ServedHub) -> None:
    for key in ("", "a b", "x" * 257):
        answer = hub.post("/v1/messages", {"from_agent": "a", "body": "x"}, headers={"Idempotency-Key": key})
        assert answer.status == 400


# Waiting ------------------------------------------------------------------------------------------------------------


def test_a_poll_is_answered_by_the_message_it_waits_for(hub: ServedHub) -> None:
    agent, since = new(), hub.say("before")
    found: list[object] = []
    path = f"/v1/events?agent_id={agent}&since_id={since}&timeout=20"
    waiter = threading.Thread(target=lambda: found.extend(hub.get(path).result))
    waiter.start()
    wait_until(lambda: agent in hub.hub._recorder.presence.waiting, what="the poll to wait")
    began_at = time.monotonic()
    message_id = hub.say("here", to_agent=agent)
    waiter.join(30)
    assert time.monotonic() - began_at < 10  # it would have waited for 20 seconds
    assert [message["id"] for message in found] == [message_id]  # type: ignore[index]


def test_a_poll_that_finds_nothing_answers_with_nothing(hub: ServedHub) -> None:
    since = hub.say("last")
    assert hub.get(f"/v1/events?agent_id={new()}&since_id={since}&timeout=0.05").result == []
    assert hub.get(f"/v1/messages?channel=general&since_id={since}&timeout=0.05").result == []


def test_a_timeout_below_zero_does_not_wait(hub: ServedHub) -> None:
    assert hub.get(f"/v1/events?agent_id={new()}&since_id={2**53 - 1}&timeout=-5", timeout=5).result == []


def test_a_poller_that_leaves_is_no_longer_present(hub: ServedHub) -> None:
    agent = new()
    with hub.connect() as connection:
        path = f"/v1/events?agent_id={agent}&since_id={hub.say('last')}&timeout=60"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: agent in hub.hub._recorder.presence.waiting, what="the poll to wait")
    wait_until(lambda: agent not in hub.hub._recorder.presence.waiting, what="the poll to end")


def test_waiting_in_an_unknown_channel_is_404(hub: ServedHub) -> None:
    assert hub.get("/v1/messages?channel=nowhere&timeout=5").status == 404
    assert hub.get("/v1/events?agent_id=a&channel=nowhere&timeout=5").status == 404


def test_limits_beyond_the_greatest_are_clamped(hub: ServedHub) -> None:
    channel = new()
    hub.post("/v1/channels", {"name": channel})
    for number in range(3):
        hub.say(str(number), channel=channel)
    assert len(hub.get(f"/v1/messages?channel={channel}&limit=100000").result) == 3
    assert [m["body"] for m in hub.get(f"/v1/messages?channel={channel}&limit=2&tail=1").result] == ["1", "2"]


def test_the_messages_of_a_thread_go_on_by_cursor(hub: ServedHub) -> None:
    thread = new()
    ids = [hub.say("x", thread_id=thread) for _ in range(3)]
    shown = hub.get(f"/v1/threads/{thread}?since_id={ids[0]}").result
    assert [message["id"] for message in shown["messages"]] == ids[1:]
    assert shown["thread"]["message_count"] == 3


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v1/channels", "name"),
        ("/v1/agents", "agent_id"),
        ("/v1/claims", "claim_key"),
        ("/v1/locks", "file_path"),
        ("/v1/tasks", "task_id"),
        ("/v1/threads", "thread_id"),
    ],
)
def test_a_list_goes_on_behind_a_row(hub: ServedHub, path: str, key: str) -> None:
    for name in (new("ä/ b"), new()):
        hub.post("/v1/sessions", {"agent_id": name})
        hub.post("/v1/claims", {"owner_agent_id": name, "claim_key": name})
        hub.post("/v1/locks", {"agent_id": name, "file_path": name})
        hub.post("/v1/channels", {"name": name})
        hub.say("x", kind="task", thread_id=name)
    keys = [row[key] for row in hub.get(path).result]
    rest = hub.get(f"{path}?after={quote(str(keys[0]), safe='')}").result
    assert [row[key] for row in rest] == keys[1:]
    assert hub.get(f"{path}?after=nobody-has-this-key").status == 400


def test_a_list_too_long_for_one_answer_says_that_there_is_more(hub: ServedHub) -> None:
    for _ in range(3):
        hub.post("/v1/channels", {"name": new()})
    whole = [row["name"] for row in hub.get("/v1/channels").result]
    found: list[str] = []
    after, more = "", True
    while more:
        answer = hub.get(f"/v1/channels?max_bytes=200&after={quote(after, safe='')}")
        found += [row["name"] for row in answer.result]
        after, more = found[-1], answer.body.get("more", False)
    assert found == whole


# The hub ------------------------------------------------------------------------------------------------------------


def test_hub_info_names_features_extensions_and_limits(hub: ServedHub) -> None:
    info = hub.get("/v1/hub-info").result
    assert info["protocol_version"] == "1"
    assert {"idempotency_key", "event_id", "fencing_token", "sse_resume", "openapi"} <= set(info["extensions"])
    assert info["message_kinds"] == sorted(info["message_kinds"])
    assert info["storage_path"].endswith("arc.sqlite3")
    assert (info["presence_ttl_sec"], info["hub_id"]) == (120, hub.hub.hub_id)


def test_a_shutdown_can_be_seen_and_called_off(hub: ServedHub) -> None:
    begun = hub.post("/v1/shutdown", {"delay_sec": 3600})
    assert (begun.status, begun.result["status"]) == (200, "shutdown_initiated")
    assert hub.get("/v1/shutdown").result["delay_sec"] == 3600
    assert hub.post("/v1/shutdown", {"delay_sec": 5}).status == 400
    assert hub.post("/v1/shutdown/cancel").result == {"status": "shutdown_cancelled"}
    assert hub.get("/v1/shutdown").result is None


def test_other_machines_cannot_be_let_in_through_a_loopback_address(hub: ServedHub) -> None:
    refused = hub.post("/v1/network", {"allow_remote": True})
    assert refused.status == 400
    assert "restart" in refused.body["error"]


def test_a_web_page_next_door_changes_nothing(hub: ServedHub) -> None:
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    answer = hub.post("/v1/shutdown", {"delay_sec": 0}, headers=headers)
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert hub.get("/v1/shutdown").result is None


def test_a_fault_of_the_hub_is_a_500_in_the_envelope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise KeyError("a fault")

    with served_hub(tmp_path) as hub:
        monkeypatch.setattr(hub.hub.ending, "remaining", fail)
        answer = hub.get("/v1/shutdown")
        assert (answer.status, answer.body["code"]) == (500, "internal_error")
        assert hub.get("/v1/channels").status == 200
