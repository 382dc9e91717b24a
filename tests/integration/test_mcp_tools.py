"""Every tool over every road: what a model is told is what the hub knows."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp.client import Client

from tests.support.mcp_hosts import ERAS, ROADS, Era, call, call_in_vain, over_http
from tests.support.served_hub import ServedHub

MAX_LISTING_BYTES = 14_000
OF_0_1_1 = {
    "arc_post_message": {"channel", "body", "kind", "thread_id", "to_agent"},
    "arc_poll_messages": {"channel", "timeout", "thread_id"},
    "arc_dm": {"to_agent", "body"},
    "arc_list_agents": set(),
    "arc_create_channel": {"name"},
    "arc_rpc_call": {"to_agent", "body", "timeout"},
}

Open = Callable[[str], AbstractAsyncContextManager[Client]]


every_era = pytest.mark.parametrize(
    "connect", [(road, era) for road in ROADS for era in ERAS], ids="-".join, indirect=True
)


@pytest.fixture(params=[("http", "auto"), ("stdio", "legacy")], ids="-".join)
def connect(request: pytest.FixtureRequest, hub: ServedHub) -> Open:
    """Connects an agent to a fresh hub, over one of the roads."""
    road, era = request.param
    return lambda agent: ROADS[road](hub.url, agent, era)


def play(story: Coroutine[Any, Any, None]) -> None:
    """Tell a story to its end, within a bound."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story

    asyncio.run(bounded())


@every_era
def test_every_tool_is_listed_and_does_what_it_says(connect: Open, hub: ServedHub) -> None:
    async def story() -> None:
        async with connect("alice") as alice, over_http(hub.url, "bob") as bob:
            assert (await call(bob, "arc_whoami"))["agent_id"] == "bob"
            used = await every_tool(alice, bob, hub)
            listed = {tool.name for tool in (await alice.list_tools()).tools}
            assert listed == used

    play(story())


async def every_tool(alice: Client, bob: Client, hub: ServedHub) -> set[str]:
    """Alice uses each tool, and a person answers her; returns their names."""
    used: set[str] = set()

    async def use(tool: str, /, **arguments: Any) -> Any:
        used.add(tool)
        return await call(alice, tool, **arguments)

    me = await use("arc_whoami")
    assert me["agent_id"] == "alice"
    assert me["session"]["display_name"] == "alice"
    assert [one["agent_id"] for one in (await use("arc_list_agents"))["agents"]] == ["alice", "bob"]

    assert (await use("arc_create_channel", name="dev"))["created_by"] == "alice"
    assert (await use("arc_list_channels"))["channels"] == ["dev", "direct", "general"]

    task = await use("arc_post_message", channel="dev", body="build it", kind="task", thread_id="t-1")
    assert task == {"id": task["id"], "ts": task["ts"], "channel": "dev", "kind": "task", "thread_id": "t-1"}
    part = await use("arc_post_message", channel="dev", body="a part", kind="task", parent_task_id=task["id"])
    file = {"type": "file_ref", "path": "src/a.py"}
    await use("arc_post_message", channel="dev", body="look", reply_to=task["id"], thread_id="t-1", attachments=[file])
    back = (await use("arc_read_messages", thread_id="t-1"))["messages"]
    assert [(one["from_agent"], one["body"]) for one in back] == [("alice", "build it"), ("alice", "look")]
    assert (back[1]["reply_to"], back[1]["attachments"]) == (task["id"], [file])
    assert [
        one["id"] for one in (await use("arc_read_messages", channel="dev", since_id=task["id"], limit=1))["messages"]
    ] == [part["id"]]

    assert (await use("arc_poll_messages", timeout=0))["messages"] == []
    hello = await call(bob, "arc_dm", to_agent="alice", body="hello")
    assert hello["channel"] == "direct"
    assert [one["body"] for one in (await use("arc_poll_messages", timeout=5))["messages"]] == ["hello"]
    assert [one["id"] for one in (await use("arc_inbox"))["messages"]] == [hello["id"]]
    assert (await use("arc_dm", to_agent="bob", body="hello too"))["channel"] == "direct"

    claim = await use("arc_acquire_claim", claim_key="work", thread_id="t-1", task_message_id=task["id"], ttl_sec=60)
    assert (claim["acquired"], claim["owner_agent_id"]) == (True, "alice")
    refused = await call(bob, "arc_acquire_claim", claim_key="work")
    assert (refused["acquired"], refused["owner_agent_id"]) == (False, "alice")
    assert (await use("arc_refresh_claim", claim_key="work", ttl_sec=600))["expires_at"] > claim["expires_at"]
    assert [one["claim_key"] for one in (await use("arc_list_claims", thread_id="t-1"))["claims"]] == ["work"]

    lock = await use("arc_acquire_lock", file_path="src/a.py", thread_id="t-1")
    assert (lock["acquired"], lock["agent_id"], lock["metadata"]) == (True, "alice", {"thread_id": "t-1"})
    assert not (await call(bob, "arc_acquire_lock", file_path="src/a.py"))["acquired"]
    assert (await use("arc_refresh_lock", file_path="src/a.py", ttl_sec=600))["expires_at"] > lock["expires_at"]
    assert [one["file_path"] for one in (await use("arc_list_locks", agent_id="alice"))["locks"]] == ["src/a.py"]

    (found,) = (await use("arc_search", q="hello to"))["found"]
    assert (found["to_agent"], found["snippet"]) == ("bob", "[hello] [to]o")

    threads = (await use("arc_list_threads"))["threads"]
    assert [(one["thread_id"], one["active_claim_count"], one["active_lock_count"]) for one in threads] == [
        ("t-1", 1, 1)
    ]
    thread = await use("arc_get_thread", thread_id="t-1")
    assert set(thread) == {"thread", "messages", "tasks", "claims", "locks"}
    later = await use("arc_get_thread", thread_id="t-1", since_id=task["id"])
    assert [one["body"] for one in later["messages"]] == ["look"]

    assert (await use("arc_release_claim", claim_key="work"))["released_at"]
    assert (await use("arc_release_lock", file_path="src/a.py"))["released_at"]
    assert (await use("arc_list_claims"))["claims"] == []
    assert [one["claim_key"] for one in (await use("arc_list_claims", active_only=False))["claims"]] == ["work"]
    assert (await use("arc_list_locks"))["locks"] == []

    assert [one["task_id"] for one in (await use("arc_list_tasks", thread_id="t-1"))["tasks"]] == [task["id"]]
    assert [one["task_id"] for one in (await use("arc_list_tasks", parent_id=task["id"]))["tasks"]] == [part["id"]]
    taken = (await use("arc_next_task", ttl_sec=60))["task"]
    assert (taken["task_id"], taken["claimed_by"]) == (part["id"], "alice")
    assert (await use("arc_task", action="fail", task_id=part["id"], reason="no"))["state"] == "failed"
    assert (await use("arc_task", action="reopen", task_id=part["id"]))["state"] == "open"
    assert (await use("arc_catch_up"))["news"]
    assert (await use("arc_wake", agent_id="bob"))["state"] == "requested"
    done = await use("arc_complete_task", task_id=part["id"])
    assert (done["status"], done["parent_completed"]) == ("done", True)
    assert (await use("arc_list_tasks", channel="dev"))["tasks"] == []
    assert len((await use("arc_list_tasks", status="done"))["tasks"]) == 2

    asks = hub.say("look at this", to_agent="alice", ack=True)
    assert (await use("arc_ack", ids=[asks]))["acknowledged"] == [asks]
    assert (await use("arc_next_task"))["task"] is None
    parts = [{"body": "walls", "ref": "w"}, {"body": "roof", "depends_on": ["w"]}]
    walls, roof = (await use("arc_open_tasks", tasks=parts))["task_ids"]
    assert (await use("arc_next_task"))["task"]["task_id"] == walls
    given = await use("arc_task", action="handover", task_id=walls, assignee="bob")
    assert (given["claim_key"], given["owner_agent_id"]) == (f"task-{walls}", "bob")
    assert (await call(bob, "arc_complete_task", task_id=walls))["status"] == "done"
    assert (await use("arc_next_task"))["task"]["task_id"] == roof
    await use("arc_complete_task", task_id=roof)
    work = await use("arc_post_message", channel="dev", body="paint", kind="task")
    assert (await use("arc_next_task"))["task"]["task_id"] == work["id"]
    question = await use("arc_ask_person", body="Which colour?", options=["red", "blue"], for_task_id=work["id"])
    assert (await use("arc_next_task"))["task"] is None
    hub.post(f"/v1/questions/{question['question_id']}/answer", {"answer": "red"})
    assert (await use("arc_poll_messages", timeout=5))["messages"][-1]["body"] == "red"
    assert (await use("arc_next_task"))["task"]["task_id"] == work["id"]
    await use("arc_complete_task", task_id=work["id"])

    (await call(bob, "arc_poll_messages", timeout=0))["messages"]
    asking = asyncio.create_task(use("arc_rpc_call", to_agent="bob", body="what is 6 * 7?", timeout=20))
    (asked,) = (await call(bob, "arc_poll_messages", timeout=10))["messages"]
    assert (asked["kind"], asked["body"]) == ("task_request", "what is 6 * 7?")
    await call(bob, "arc_post_message", channel="general", body="42", kind="task_result", reply_to=asked["id"])
    result = await asking
    assert (result["from_agent"], result["body"]) == ("bob", "42")

    life = (await use("arc_history", stream="lock/src/a.py"))["events"]
    assert [(one["type"], one["actor"]) for one in life] == [
        ("lock.acquired", "alice"),
        ("lock.refused", "bob"),
        ("lock.refreshed", "alice"),
        ("lock.released", "alice"),
    ]
    assert (await use("arc_history", type="lock.", after=life[1]["event_id"], limit=2))["events"] == life[2:]
    assert {one["actor"] for one in (await use("arc_history", actor="bob"))["events"]} == {"bob"}
    return used


def test_what_goes_wrong_is_told_to_the_model(connect: Open) -> None:
    async def story() -> None:
        async with connect("alice") as alice:
            assert "nowhere" in await call_in_vain(alice, "arc_post_message", channel="nowhere", body="x")
            said = await call_in_vain(alice, "arc_poll_messages", timeout="soon")
            assert said == "timeout must be a number, not a string"
            assert "body" in await call_in_vain(alice, "arc_dm", to_agent="bob")
            assert "thread" in await call_in_vain(alice, "arc_list_claims", thread="t-1")
            assert "is not held by alice" in await call_in_vain(alice, "arc_release_claim", claim_key="none")
            assert "is required" in await call_in_vain(alice, "arc_read_messages")
            said = await call_in_vain(alice, "arc_rpc_call", to_agent="bob", body="?", timeout=0)
            assert "RPC to bob timed out" in said
            assert "stays open" in said

    play(story())


def test_resources_show_the_inbox_and_the_threads(connect: Open, hub: ServedHub) -> None:
    async def story() -> None:
        async with connect("alice") as alice:
            hub.post("/v1/messages", {"from_agent": "bob", "to_agent": "alice", "body": "hi"})
            hub.post("/v1/messages", {"from_agent": "bob", "body": "in a thread", "thread_id": "a/b c"})
            listed = [resource.uri for resource in (await alice.list_resources()).resources]
            assert listed == ["arc://inbox", "arc://threads", "arc://threads/a%2Fb%20c"]
            shown = {uri: await read(alice, uri) for uri in listed}
            assert [one["body"] for one in shown["arc://inbox"]["messages"]] == ["hi"]
            assert [one["thread_id"] for one in shown["arc://threads"]["threads"]] == ["a/b c"]
            assert [one["body"] for one in shown["arc://threads/a%2Fb%20c"]["messages"]] == ["in a thread"]
            templates = (await alice.list_resource_templates()).resource_templates
            assert [template.uri_template for template in templates] == ["arc://threads/{thread_id}"]
            for missing in ("arc://threads/none", "arc://nothing"):
                with pytest.raises(Exception, match=r"unknown|no such resource"):
                    await alice.read_resource(missing)

    play(story())


async def read(client: Client, uri: str) -> Any:
    """A resource, decoded."""
    (contents,) = (await client.read_resource(uri)).contents
    return json.loads(contents.model_dump()["text"])


@pytest.mark.parametrize("era", ERAS)
def test_both_roads_list_the_same_tools_in_less_than_14_kb(hub: ServedHub, era: Era) -> None:
    listings = []

    async def story() -> None:
        for open_road in ROADS.values():
            async with open_road(hub.url, "alice", era) as client:
                assert client.instructions is not None
                assert "'alice'" in client.instructions
                listings.append((await client.list_tools()).model_dump(mode="json", by_alias=True, exclude_none=True))

    play(story())
    assert listings[0]["tools"] == listings[1]["tools"]
    assert len(json.dumps(listings[0], separators=(",", ":"))) < MAX_LISTING_BYTES


def test_the_tools_of_arc_0_1_1_keep_their_names_and_arguments(hub: ServedHub) -> None:
    async def story() -> None:
        async with over_http(hub.url, "alice") as alice:
            tools = {tool.name: tool.input_schema for tool in (await alice.list_tools()).tools}
        for name, arguments in OF_0_1_1.items():
            assert arguments <= set(tools[name]["properties"]), name
        assert tools["arc_post_message"]["required"] == ["channel", "body"]
        assert tools["arc_poll_messages"]["properties"]["timeout"]["default"] == 5
        assert tools["arc_rpc_call"]["properties"]["timeout"]["default"] == 30

    play(story())


def test_a_poll_of_one_channel_swallows_no_direct_message(connect: Open, hub: ServedHub) -> None:
    async def story() -> None:
        async with connect("alice") as alice:
            await call(alice, "arc_whoami")
            hub.post("/v1/messages", {"from_agent": "bob", "to_agent": "alice", "body": "for you"})
            hub.post("/v1/messages", {"from_agent": "bob", "channel": "general", "body": "for all"})
            (narrow,) = (await call(alice, "arc_poll_messages", channel="general"))["messages"]
            assert (narrow["body"], "again" in narrow) == ("for all", False)
            wide = (await call(alice, "arc_poll_messages"))["messages"]
            assert [(one["body"], "again" in one) for one in wide] == [("for you", False), ("for all", True)]
            assert (await call(alice, "arc_poll_messages", timeout=0))["messages"] == []

    play(story())


def test_a_page_that_would_be_too_long_ends_early_and_the_next_poll_goes_on(connect: Open, hub: ServedHub) -> None:
    async def story() -> None:
        async with connect("alice") as alice:
            await call(alice, "arc_whoami")
            for number in range(9):
                hub.post("/v1/messages", {"from_agent": "bob", "body": f"{number}" * 12_000})
            pages = [await call(alice, "arc_poll_messages", timeout=0) for _ in range(3)]
            assert [[one["body"][0] for one in page["messages"]] for page in pages] == [
                ["0", "1", "2"],
                ["3", "4", "5"],
                ["6", "7", "8"],
            ]
            assert ["note" in page for page in pages] == [True, True, False]

    play(story())


def test_a_sender_learns_who_has_not_acknowledged_what_it_sent(hub: ServedHub) -> None:
    async def story() -> None:
        async with over_http(hub.url, "ann") as ann, over_http(hub.url, "ben") as ben:
            asked = await call(ann, "arc_post_message", channel="direct", to_agent="ben", body="look", ack=True)
            (got,) = (await call(ben, "arc_inbox"))["messages"]
            assert (got["id"], got["ack"]) == (asked["id"], True)
            (open_one,) = (await call(ann, "arc_ack"))["not_acknowledged"]
            assert (open_one["message_id"], open_one["to_agent"]) == (asked["id"], "ben")
            assert (await call(ben, "arc_ack", ids=[asked["id"]]))["acknowledged"] == [asked["id"]]
            assert (await call(ann, "arc_ack"))["not_acknowledged"] == []

    play(story())
