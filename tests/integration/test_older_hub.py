"""A hub that is older than the rules of its log answers every read, and refuses every change by naming the version."""

import asyncio
from collections.abc import Iterator

import pytest

from arclog.events.rule_numbers import WORK_RULES
from projections.hub.tuning import Tuning
from tests.support.mcp_hosts import call, call_in_vain, over_http
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until

READS = [
    *("/v1/health", "/v1/hub-info", "/v1/agents", "/v1/channels", "/v1/bootstrap?agent_id=bob", "/v1/threads"),
    *("/v1/messages?channel=general", "/v1/events?agent_id=bob&timeout=0.1", "/v1/events?agent_id=bob&cursor=poll"),
    *("/v1/inbox/bob", "/v1/inbox/bob?unacked=1", "/v1/receipts", "/v1/receipts?overdue=1"),
    *("/v1/tasks?explain=1", "/v1/tasks?ready=1&agent_id=bob", "/v1/questions", "/v1/attention"),
    *("/v1/claims", "/v1/claims/queue", "/v1/locks", "/v1/locks/queue"),
    *("/v1/digest?agent_id=bob&since=0", "/v1/search?q=work", "/v1/log", "/v1/log/timeline", "/v1/wakes"),
    *("/v1/tasks?as_of=5", "/metrics", "/readyz"),
]
CHANGES = [
    ("/v1/messages", {"from_agent": "bob", "body": "x"}),
    ("/v1/sessions", {"agent_id": "cy"}),
    ("/v1/channels", {"name": "room"}),
    ("/v1/claims", {"owner_agent_id": "bob", "claim_key": "k"}),
    ("/v1/locks", {"agent_id": "bob", "file_path": "a.py"}),
    ("/v1/locks", {"agent_id": "bob", "file_path": "a.py", "wait_sec": 5}),
    ("/v1/tasks/next", {"agent_id": "bob", "wait_sec": 5}),
    ("/v1/inbox/bob/ack", {"ids": [1]}),
    ("/v1/log/erase", {"ids": [1], "reason": "x"}),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    """A hub that knows no rules of work, on a log with work, letters and a lease in it."""
    home = tmp_path_factory.mktemp("older")
    with served_hub(home) as newer:
        newer.post("/v1/sessions", {"agent_id": "bob"})
        newer.post("/v1/messages", {"from_agent": "ada", "to_agent": "bob", "body": "look", "ack": True})
        newer.post("/v1/tasks", {"agent_id": "ada", "tasks": [{"body": "work"}, {"body": "more work", "priority": 4}]})
        newer.post("/v1/tasks/next", {"agent_id": "bob", "ttl_sec": 1})
    with served_hub(home, tuning=Tuning(rules=WORK_RULES - 1)) as older:
        yield older


@pytest.mark.parametrize("path", READS)
def test_it_answers_every_read(hub: ServedHub, path: str) -> None:
    assert hub.exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()).startswith(
        b"HTTP/1.1 200"
    )


@pytest.mark.parametrize(("path", "body"), CHANGES)
def test_it_refuses_every_change_at_once_and_names_the_version(
    hub: ServedHub, path: str, body: dict[str, object]
) -> None:
    refused = hub.post(path, body, timeout=4)
    assert (refused.status, refused.body["code"]) == (503, "newer_rules")
    assert f"follows rules {WORK_RULES}, and this hub knows rules up to {WORK_RULES - 1}" in refused.body["error"]


def test_what_is_due_waits_for_a_hub_that_knows_the_rules(hub: ServedHub) -> None:
    head = hub.get("/v1/health").result["head"]
    wait_until(lambda: hub.get("/v1/tasks?ready=1&agent_id=cy").result, what="the lease on the task to lapse")
    assert hub.get("/v1/health").result["head"] == head


def test_an_agent_of_mcp_reads_too(hub: ServedHub) -> None:
    async def story() -> None:
        async with over_http(hub.url, "alice") as alice:
            assert "task" in str(await call(alice, "arc_list_tasks"))
            assert "run Arc" in await call_in_vain(alice, "arc_post_message", channel="general", body="x")

    asyncio.run(asyncio.wait_for(story(), 60))


def test_what_would_be_refused_is_not_judged_either(hub: ServedHub) -> None:
    assert hub.get("/v1/locks/conflicts?path=a.py&agent_id=bob").body["code"] == "newer_rules"
