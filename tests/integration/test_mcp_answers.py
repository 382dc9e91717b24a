"""What a tool answers: an object, short enough for any host, that says how to go on and what the agent must know."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.mcp.methods import instructions
from api.mcp.tools import TOOLS
from tests.support.hub_process import Answer, HubProcess
from tests.support.mcp_hosts import line_host
from tests.support.ports import find_free_port
from tests.support.served_hub import ServedHub
from tests.support.waiting import wait_until

MAX_ANSWER_BYTES = 60_000
FIRST_SEEN = 250
"""What some hosts show of the instructions."""


def ask(tool: str, request_id: int = 1, /, **arguments: object) -> dict[str, Any]:
    """A request as it goes over the wire."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def use(hub: ServedHub | HubProcess, tool: str, /, **arguments: object) -> Any:
    """What a tool answers alice by URL."""
    answer = hub.post("/mcp?agent=alice", ask(tool, **arguments))
    assert len(json.dumps(answer.body)) < MAX_ANSWER_BYTES
    result = answer.body["result"]
    assert not result.get("isError"), result
    (content,) = result["content"]
    shown = json.loads(content["text"])
    assert isinstance(shown, dict)
    return shown


def refusal(hub: ServedHub, tool: str, /, **arguments: object) -> str:
    """What a tool says when it cannot be done."""
    result = hub.post("/mcp?agent=alice", ask(tool, **arguments)).body["result"]
    assert result["isError"], result
    text: str = result["content"][0]["text"]
    return text


def test_a_long_message_is_cut_and_its_rest_can_be_read(hub: ServedHub) -> None:
    body = "".join(f"{number:07}\n" for number in range(16_000))
    use(hub, "arc_whoami")
    message_id = hub.say(body)
    (shown,) = use(hub, "arc_poll_messages", timeout=0)["messages"]
    assert f"message_id={message_id}" in shown["cut"]
    text = shown["body"]
    while len(text) < len(body):
        (part,) = use(hub, "arc_read_messages", message_id=message_id, offset=len(text))["messages"]
        text += part["body"]
    assert text == body


@pytest.mark.parametrize("body", ["\x01" * 40_000, "é漢🙂" * 30_000, '"\\' * 60_000])
def test_an_answer_is_bounded_in_bytes_whatever_it_is_written_in(hub: ServedHub, body: str) -> None:
    use(hub, "arc_whoami")
    content = {"type": "text", "content": body}
    for _ in range(3):
        hub.say(body, thread_id="t", attachments=[content], metadata={"a": body[:10_000]})
    shown = []
    while page := use(hub, "arc_poll_messages", timeout=0)["messages"]:
        shown += page
    assert len(shown) == 3
    use(hub, "arc_get_thread", thread_id="t")
    use(hub, "arc_history")
    (part,) = use(hub, "arc_read_messages", message_id=shown[0]["id"], attachment=0, offset=3)["messages"]
    assert body[3:].startswith(part["content"])


def test_a_list_that_is_too_long_goes_on_after_its_last_row(hub: ServedHub) -> None:
    for number in range(300):
        hub.post("/v1/locks", {"agent_id": "bob", "file_path": f"{number:03}/" + "x" * 200})
    paths: list[str] = []
    after: dict[str, object] = {}
    while True:
        page = use(hub, "arc_list_locks", **after)
        paths += [lock["file_path"] for lock in page["locks"]]
        if "note" not in page:
            break
        after = {"after": page["locks"][-1]["file_path"]}
        assert json.dumps(after["after"]) in page["note"]
    assert [path[:3] for path in paths] == [f"{number:03}" for number in range(300)]


LISTS = {
    "arc_list_agents": ("agents", "agent_id"),
    "arc_list_channels": ("channels", ""),
    "arc_list_claims": ("claims", "claim_key"),
    "arc_list_locks": ("locks", "agent_id"),
    "arc_list_threads": ("threads", "thread_id"),
    "arc_history": ("events", "event_id"),
}


def test_a_list_that_the_hub_itself_gives_in_parts_goes_on_too(hub: ServedHub) -> None:
    long = {"note": "x" * 60_000}  # of which a tool shows nothing, so that it is the hub's own answer that is full
    for number in range(30):
        agent = f"agent-{number:02}"
        hub.post("/v1/sessions", {"agent_id": agent, "metadata": long})
        hub.post("/v1/channels", {"name": agent, "created_by": "bob", "metadata": long})
        hub.post("/v1/claims", {"owner_agent_id": "bob", "claim_key": agent, "metadata": long})
        hub.post("/v1/locks", {"agent_id": agent, "file_path": "shared", "mode": "shared", "metadata": long})
        hub.post("/v1/messages", {"from_agent": "bob", "body": "x", "thread_id": agent, "metadata": long})
    wanted = {f"agent-{number:02}" for number in range(30)}
    for tool, (what, key) in LISTS.items():
        found: list[object] = []
        after: dict[str, object] = {}
        while True:
            page = use(hub, tool, **after)
            found += [row[key] if key else row for row in page[what]]
            if "note" not in page or not page[what]:
                break
            after = {"after": json.loads(page["note"].partition("after=")[2])}
        assert len(found) == len(set(map(str, found))), tool
        assert wanted <= set(found) or tool == "arc_history", tool
        assert tool != "arc_history" or found[-1] == hub.get("/v1/health").result["head"]


def test_what_is_held_is_known_however_much_others_hold(hub: ServedHub) -> None:
    for number in range(30):
        hub.post("/v1/claims", {"owner_agent_id": "bob", "claim_key": f"c{number}", "metadata": {"note": "x" * 60_000}})
    use(hub, "arc_acquire_claim", claim_key="zz")
    use(hub, "arc_acquire_lock", file_path="zz")
    session = use(hub, "arc_whoami")["session"]["session_id"]
    assert hub.call("DELETE", f"/v1/sessions/{session}").status == 200  # it may come back, and has what it had
    assert "notices" not in use(hub, "arc_list_channels")


def test_arguments_are_read_as_json_schema_and_the_hub_have_them(hub: ServedHub) -> None:
    assert use(hub, "arc_history", limit=1.0)["events"]
    assert use(hub, "arc_list_claims", thread_id=None) == {"claims": []}
    use(hub, "arc_post_message", channel="general", body="x", kind="Chat")
    assert refusal(hub, "arc_list_claims", thread="t").startswith(
        "thread is not an argument of arc_list_claims, which takes"
    )
    assert refusal(hub, "arc_history", limit=1.5).startswith("limit must be an integer")


def test_a_message_to_a_name_that_nobody_ever_had_says_so(hub: ServedHub) -> None:
    assert "No agent bbo has ever been here" in use(hub, "arc_dm", to_agent="bbo", body="hi")["note"]
    hub.post("/v1/sessions", {"agent_id": "bob"})
    assert "note" not in use(hub, "arc_dm", to_agent="bob", body="hi")
    hub.say("I never registered")
    assert "note" not in use(hub, "arc_dm", to_agent="teller", body="hi")


def test_work_for_a_name_that_nobody_ever_had_says_so(hub: ServedHub) -> None:
    hub.post("/v1/sessions", {"agent_id": "bob"})
    given = [{"body": "one", "assignee": "bbo"}, {"body": "two", "assignee": "bob"}, {"body": "three"}]
    opened = use(hub, "arc_open_tasks", tasks=given)
    assert opened["note"].startswith("No agent bbo has ever been here: it alone may do the task, if it comes.")
    (_, _, task_id) = opened["task_ids"]
    assert "No agent bbo" in use(hub, "arc_task", action="assign", task_id=task_id, assignee="bbo")["note"]
    assert "note" not in use(hub, "arc_task", action="assign", task_id=task_id, assignee="bob")
    assert "note" not in use(hub, "arc_post_message", channel="general", to_agent="human", body="a word")
    assert "No agent bbo has ever been here" in refusal(hub, "arc_rpc_call", to_agent="bbo", body="?", timeout=0.1)


def test_an_agent_that_was_silent_too_long_learns_with_any_answer_what_it_lost(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = start_hub("--presence-ttl-sec", "5")
    use(hub, "arc_acquire_lock", file_path="src/a.py")
    use(hub, "arc_acquire_claim", claim_key="work")
    wait_until(lambda: not hub.get("/v1/agents").result, within_sec=20, what="the end of the session")
    hub.post("/v1/locks", {"agent_id": "bob", "file_path": "src/a.py"})
    shown = use(hub, "arc_list_channels")
    assert [notice.split(": ")[0] for notice in shown["notices"]] == [
        "You were silent for too long, and your lock on src/a.py was released",
        "You were silent for too long, and your claim work was released",
    ]
    assert "notices" not in use(hub, "arc_list_channels")


def test_a_key_in_the_header_makes_a_retry_safe_and_a_batch_refuses_it(hub: ServedHub) -> None:
    once = {"Idempotency-Key": "k-1"}
    message = ask("arc_post_message", channel="general", body="once")
    first, second = (hub.post("/mcp?agent=alice", message, headers=once).body for _ in range(2))
    assert first == second
    assert [one["body"] for one in hub.get("/v1/messages?channel=general").result] == ["once"]
    other = ask("arc_post_message", channel="general", body="twice")
    assert "was already used" in hub.post("/mcp?agent=alice", other, headers=once).body["result"]["content"][0]["text"]
    refused = hub.post("/mcp?agent=alice", [message], headers=once)
    assert (refused.status, "Idempotency-Key" in refused.body["error"]["message"]) == (400, True)


def test_revision_2025_03_26_has_batches_and_later_ones_have_not(hub: ServedHub, tmp_path: Path) -> None:
    batch = [
        ask("arc_list_channels", 1),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        7,
        {"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {}},
        {"jsonrpc": "2.0", "id": 3, "method": "ping"},
    ]

    def check(replies: Any) -> None:
        assert [reply["id"] for reply in replies] == [1, None, 2, 3]
        assert ["error" in reply for reply in replies] == [False, True, True, False]

    def post(body: object, version: str) -> Answer:
        return hub.post("/mcp?agent=alice", body, headers={"Mcp-Protocol-Version": version})

    check(post(batch, "2025-03-26").body)
    assert post(batch[1:2], "2025-03-26").status == 202
    assert post([], "2025-03-26").body["error"]["code"] == -32600
    assert post(batch, "2025-06-18").body["error"]["code"] == -32600
    with line_host(hub.url, "bob", tmp_path / "host.log") as host:
        host.ask("initialize", {"protocolVersion": "2025-03-26"})
        host.tell(batch)
        check(host.hear())
        host.open()  # in a later revision
        host.tell(batch)
        assert host.hear()["error"]["code"] == -32600


def test_a_slash_at_the_end_of_the_url_makes_no_difference(hub: ServedHub) -> None:
    assert hub.post("/mcp/?agent=alice", ask("arc_list_channels")).body["result"]["content"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_is_sent_in_another_encoding_is_called_by_its_name(hub: ServedHub, encoding: str) -> None:
    answer = hub.post("/mcp?agent=alice", json.dumps(ask("arc_whoami")).encode(encoding))
    assert answer.body["error"]["code"] == -32700
    assert encoding.removesuffix("-sig").removesuffix("-le").upper() in answer.body["error"]["message"]


def test_a_hub_that_is_silent_keeps_no_host_waiting_for_its_welcome(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with line_host(url, "alice", tmp_path / "host.log") as host:
            began_at = time.monotonic()
            assert host.open()["serverInfo"]["name"] == "arc"
            assert host.ask("tools/list")["result"]["tools"]
            assert time.monotonic() - began_at < 15
            assert host.close() == 0
    nobody = f"http://127.0.0.1:{find_free_port()}"
    with line_host(nobody, "alice", tmp_path / "host.log") as host:
        assert host.open()["serverInfo"]["name"] == "arc"


def test_a_call_lists_no_agents_however_many_there_are(hub: ServedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    use(hub, "arc_whoami")
    read: list[str] = []
    monkeypatch.setattr(hub.hub.reading, "read_on_thread", _noting(hub.hub.reading.read_on_thread, read))
    use(hub, "arc_acquire_lock", file_path="src/a.py")
    use(hub, "arc_post_message", channel="general", body="x")
    use(hub, "arc_poll_messages", timeout=0)
    assert read == []


def _noting(run: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    def noted(query: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        names.append(query.__name__)
        return run(query, *args, **kwargs)

    return noted


def test_what_matters_stands_first_and_what_is_needed_at_once_is_always_loaded() -> None:
    first = instructions("claude-3f2a")[:FIRST_SEEN]
    for tool in ("arc_poll_messages", "arc_acquire_lock", "arc_acquire_claim", "arc_post_message"):
        assert tool in first
    always = {tool.name for tool in TOOLS if tool.describe().get("_meta") == {"anthropic/alwaysLoad": True}}
    assert {"arc_poll_messages", "arc_acquire_lock", "arc_release_lock", "arc_acquire_claim"} < always
    assert len(always) < len(TOOLS) / 2
    words = " ".join(f"{tool.name} {tool.does}" for tool in TOOLS).lower()
    for word in ("post", "send", "message", "lock", "edit", "file", "poll", "read", "task", "claim", "dm", "history"):
        assert word in words
