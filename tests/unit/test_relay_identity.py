"""Who may do what over the relay: a folder acts as its agent, and never on the hub itself."""

import re
from typing import Any

import pytest

from api.app import ROUTES
from api.http.routes import Route
from relay.envelope import Refused, Request
from relay.identity import check_identity, folder_name
from relay.session_owner import check_owner, find_closed_session


def request(method: str, path: str, body: dict[str, Any] | None = None, agent_id: str = "alice") -> Request:
    return Request(request_id="r1", agent_id=agent_id, method=method, path=path, body=body)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/messages", {"from_agent": "bob", "body": "x"}),
        ("POST", "/v1/messages", {"from_agent": " bob "}),
        ("POST", "/v1/sessions", {"agent_id": "bob"}),
        ("POST", "/v1/sessions/bob/rename", {"display_name": "x"}),
        ("POST", "/v1/sessions/b%6Fb/rename", {"display_name": "x"}),
        ("POST", "/v1/channels", {"name": "x", "created_by": "bob"}),
        ("POST", "/v1/claims", {"owner_agent_id": "bob"}),
        ("POST", "/v1/claims/refresh", {"owner_agent_id": "bob"}),
        ("POST", "/v1/claims/release", {"agent_id": "bob"}),
        ("POST", "/v1/locks", {"agent_id": "bob"}),
        ("POST", "/v1/tasks/5/complete", {"agent_id": "bob"}),
        ("POST", "/v1/messages", {"from_agent": "alice", "agent_id": "bob"}),
        ("POST", "/v1/hooks/codex?agent=bob", {"session_id": "s"}),
        ("GET", "/v1/inbox/bob", None),
        ("GET", "/v1/inbox/%62ob?tail=1", None),
        ("GET", "/v1/inbox/alice%2Fbob", None),
        ("GET", "/v1/events?agent_id=bob", None),
        ("GET", "/v1/events?agent_id=alice&agent_id=bob", None),
        ("GET", "/v1/events?agent_id=%62ob", None),
        ("GET", "/v1/bootstrap?agent_id=bob", None),
        ("GET", "/v1/agents?as=bob", None),
    ],
)
def test_a_request_that_names_another_agent_as_the_one_who_acts_is_forbidden(
    method: str, path: str, body: dict[str, Any] | None
) -> None:
    with pytest.raises(Refused, match="act as that agent only") as refused:
        check_identity(request(method, path, body), "alice")
    assert (refused.value.status, refused.value.request_id) == (403, "r1")


NOT_CARRIED = {
    "DELETE /v1/tokens/{token_id}": "for operators",
    "POST /v1/network": "for operators",
    "POST /v1/shutdown": "for operators",
    "POST /v1/shutdown/cancel": "for operators",
    "POST /v1/tokens": "for operators",
    "GET /v1/log/stream": "has no end",
    "GET /v1/stream": "has no end",
    "POST /v1/messages:batch": "a file holds one JSON object",
    "POST /v1/log/erase": "for operators",
    "GET /": "a page",
    "GET /dashboard/{file}": "a page",
    "GET /healthz": "for what watches over hubs",
    "GET /metrics": "for what watches over hubs",
    "GET /openapi.json": "for programs that are written, not for agents",
    "GET /readyz": "for what watches over hubs",
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_of_the_hub_is_carried_but_those_that_are_not_for_agents(route: Route) -> None:
    asked = request(route.method, re.sub(r"\{\w+\}", "alice", route.path), {} if route.method == "POST" else None)
    if f"{route.method} {route.path}" not in NOT_CARRIED:
        check_identity(asked, "alice")
        return
    with pytest.raises(Refused):
        check_identity(asked, "alice")


def test_what_is_not_carried_is_a_route_of_the_hub() -> None:
    assert set(NOT_CARRIED) <= {f"{route.method} {route.path}" for route in ROUTES}


def test_an_envelope_of_another_agent_is_forbidden() -> None:
    with pytest.raises(Refused) as refused:
        check_identity(request("GET", "/v1/channels", agent_id="bob"), "alice")
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/messages", {"from_agent": "alice", "to_agent": "bob", "body": "x"}),
        ("POST", "/v1/messages", {"from_agent": " alice", "metadata": {"agent_id": "bob"}}),
        ("POST", "/v1/messages", {"body": "x"}),
        ("POST", "/v1/messages", {"from_agent": "", "agent_id": None, "owner_agent_id": ["bob"]}),
        ("POST", "/v1/sessions/alice/rename", {"display_name": "x"}),
        ("POST", "/v1/channels", {"name": "x", "created_by": None}),
        ("DELETE", "/v1/sessions/0f2c", None),
        ("POST", "/v1/tasks/5/complete", None),
        ("POST", "/v1/hooks/claude-code?mode=auto", {"session_id": "s", "agent_id": "a sub-agent of the harness"}),
        ("GET", "/v1/inbox/alice?since_id=3", None),
        ("GET", "/v1/events?agent_id=alice&timeout=5", None),
        ("GET", "/v1/locks?agent_id=bob", None),
        ("GET", "/v1/log?actor=bob", None),
        ("GET", "/v1/shutdown", None),
        ("GET", "/v1/hub-info", None),
        ("GET", "/v1/nothing", None),
    ],
)
def test_an_agent_may_do_all_that_agents_do_as_itself(method: str, path: str, body: dict[str, Any] | None) -> None:
    check_identity(request(method, path, body), "alice")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/shutdown"),
        ("POST", "/v1/shutdown/cancel"),
        ("POST", "/v1/network"),
        ("POST", "/v1/n%65twork"),
        ("DELETE", "/v1/anything-new"),
        ("POST", "/v1/messages:batch"),
        ("POST", "/v1//shutdown"),
        ("POST", "/v1/./shutdown"),
        ("POST", "/v1/messages/../shutdown"),
        ("POST", "/v1/messages/%2e%2e/shutdown"),
        ("POST", "//v1/shutdown"),
        ("POST", "/mcp"),
        ("GET", "/mcp?agent=bob"),
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/"),
    ],
)
def test_the_hub_itself_is_out_of_reach(method: str, path: str) -> None:
    with pytest.raises(Refused) as refused:
        check_identity(request(method, path, {}), "alice")
    assert refused.value.status == 403


@pytest.mark.parametrize("path", ["/v1/stream?agent_id=alice", "/v1/str%65am", "/v1/log/stream"])
def test_a_stream_is_refused_with_what_to_do_instead(path: str) -> None:
    with pytest.raises(Refused, match="poll /v1/events") as refused:
        check_identity(request("GET", path), "alice")
    assert refused.value.status == 400


def test_agents_whose_ids_become_the_same_folder_share_it() -> None:
    for agent_id in ("a b", "a/b", "a_b", "a  b", "a:b"):
        assert folder_name(agent_id) == "a_b"
        check_identity(request("POST", "/v1/messages", {"from_agent": agent_id}, agent_id), "a_b")


@pytest.mark.parametrize("folder", ["a b", "ü", "x\ny", "caf\udce9"])
def test_a_folder_that_can_be_no_agents_is_refused(folder: str) -> None:
    with pytest.raises(Refused, match="folder's name") as refused:
        check_identity(request("GET", "/v1/channels", agent_id=folder), folder)
    assert refused.value.status == 400


def test_the_folder_of_an_id_without_usable_characters_is_still_a_name() -> None:
    assert [folder_name(odd) for odd in ("", " ", ".", "..", "/")] == ["agent", "agent", "agent", "agent", "_"]


def test_the_session_that_a_request_closes_is_found() -> None:
    assert find_closed_session(request("DELETE", "/v1/sessions/0f%32c%20")) == "0f2c"
    assert find_closed_session(request("GET", "/v1/sessions/0f2c")) is None
    assert find_closed_session(request("DELETE", "/v1/locks/5")) is None


def test_an_agent_closes_its_own_session_only() -> None:
    check_owner("alice", "alice")
    with pytest.raises(Refused) as refused:
        check_owner("bob", "alice")
    assert refused.value.status == 403


def test_an_agent_has_another_woken_but_only_in_its_own_name() -> None:
    check_identity(request("POST", "/v1/agents/bob/wake", {"from_agent": "alice"}), "alice")
    with pytest.raises(Refused):
        check_identity(request("POST", "/v1/agents/bob/wake", {"from_agent": "bob"}), "alice")
