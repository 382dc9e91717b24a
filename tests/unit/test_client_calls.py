"""What each method of `ArcClient` asks the hub, and what it makes of the answer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from arc import ArcClient, ArcError


class Recording:
    """A transport that notes what is asked and answers as told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.waited: list[float | None] = []
        self.answers: list[Any] = []
        self.instance_id: str | None = None

    def call(
        self, method: str, path: str, payload: dict[str, Any] | None = None, *, timeout_override: float | None = None
    ) -> dict[str, Any]:
        self.asked.append((method, path, payload))
        self.waited.append(timeout_override)
        answer = self.answers.pop(0) if self.answers else {"id": 1, "session_id": "s/1", "latest_visible_id": 5}
        return answer if isinstance(answer, dict) and "ok" in answer else {"ok": True, "result": answer}


@pytest.fixture
def transport() -> Recording:
    return Recording()


@pytest.fixture
def client(transport: Recording) -> ArcClient:
    return ArcClient("ada", transport=transport)


Call = Callable[[ArcClient], object]
SENT: dict[str, tuple[Call, tuple[str, str, Any]]] = {
    "register": (lambda c: c.register(), ("POST", "/v1/sessions", {"agent_id": "ada", "replace": True})),
    "register with all": (
        lambda c: c.register(display_name="Ada", replace=False, capabilities=["x"], metadata={"m": 1}),
        (
            "POST",
            "/v1/sessions",
            {"agent_id": "ada", "replace": False, "display_name": "Ada", "capabilities": ["x"], "metadata": {"m": 1}},
        ),
    ),
    "bootstrap": (lambda c: c.bootstrap(), ("GET", "/v1/bootstrap?agent_id=ada", None)),
    "whoami": (lambda c: c.whoami(), ("GET", "/v1/bootstrap?agent_id=ada", None)),
    "create_channel": (
        lambda c: c.create_channel("dev"),
        ("POST", "/v1/channels", {"name": "dev", "created_by": "ada"}),
    ),
    "post": (
        lambda c: c.post("general", "hi"),
        ("POST", "/v1/messages", {"from_agent": "ada", "channel": "general", "kind": "chat", "body": "hi"}),
    ),
    "dm": (
        lambda c: c.dm(
            "bob", "hi", reply_to=3, parent_task_id=4, kind="task", thread_id="t", metadata={}, attachments=[]
        ),
        (
            "POST",
            "/v1/messages",
            {
                "from_agent": "ada",
                "channel": "direct",
                "kind": "task",
                "body": "hi",
                "to_agent": "bob",
                "thread_id": "t",
                "reply_to": 3,
                "parent_task_id": 4,
                "metadata": {},
                "attachments": [],
            },
        ),
    ),
    "claim": (
        lambda c: c.claim("k", thread_id="t", task_message_id=2),
        (
            "POST",
            "/v1/claims",
            {"owner_agent_id": "ada", "claim_key": "k", "ttl_sec": 300, "thread_id": "t", "task_message_id": 2},
        ),
    ),
    "refresh_claim": (
        lambda c: c.refresh_claim("k", 9),
        ("POST", "/v1/claims/refresh", {"claim_key": "k", "owner_agent_id": "ada", "ttl_sec": 9}),
    ),
    "release": (lambda c: c.release("k"), ("POST", "/v1/claims/release", {"claim_key": "k", "agent_id": "ada"})),
    "lock": (
        lambda c: c.lock("a b.py", 9, {"thread_id": "t"}),
        (
            "POST",
            "/v1/locks",
            {"agent_id": "ada", "file_path": "a b.py", "ttl_sec": 9, "metadata": {"thread_id": "t"}},
        ),
    ),
    "refresh_lock": (
        lambda c: c.refresh_lock("a.py"),
        ("POST", "/v1/locks/refresh", {"agent_id": "ada", "file_path": "a.py", "ttl_sec": 300}),
    ),
    "unlock": (lambda c: c.unlock("a.py"), ("POST", "/v1/locks/release", {"agent_id": "ada", "file_path": "a.py"})),
    "complete_task": (lambda c: c.complete_task(4), ("POST", "/v1/tasks/4/complete", {"agent_id": "ada"})),
    "get_thread": (lambda c: c.get_thread("a b/ü"), ("GET", "/v1/threads/a%20b%2F%C3%BC", None)),
    "threads": (lambda c: c.threads(), ("GET", "/v1/threads", None)),
    "channels": (lambda c: c.channels(), ("GET", "/v1/channels", None)),
    "agents": (lambda c: c.agents(capability="x y"), ("GET", "/v1/agents?capability=x%20y", None)),
    "inbox": (lambda c: c.inbox(since_id=0, limit=5), ("GET", "/v1/inbox/ada?since_id=0&limit=5", None)),
    "messages": (
        lambda c: c.messages(channel="general", tail=True),
        ("GET", "/v1/messages?channel=general&limit=100&tail=1", None),
    ),
    "events": (
        lambda c: c.events(channel="dev", since_id=4),
        ("GET", "/v1/events?agent_id=ada&since_id=4&limit=100&timeout=0.0&channel=dev", None),
    ),
    "tasks": (lambda c: c.tasks(parent_id=2, status="open"), ("GET", "/v1/tasks?parent_id=2&status=open", None)),
    "claims": (lambda c: c.claims(active_only=True), ("GET", "/v1/claims?active_only=1", None)),
    "locks": (lambda c: c.locks(agent_id="bob"), ("GET", "/v1/locks?agent_id=bob", None)),
}


@pytest.mark.parametrize("name", SENT)
def test_a_method_sends_only_what_was_given(name: str, client: ArcClient, transport: Recording) -> None:
    call, expected = SENT[name]
    call(client)
    assert transport.asked == [expected]


def test_poll_asks_for_what_lies_behind_its_cursor(client: ArcClient, transport: Recording) -> None:
    transport.answers = [[{"id": 3}, {"id": 8}], []]
    assert [message["id"] for message in client.poll(timeout=0.5, channel="a b", thread_id="t&x", limit=3)] == [3, 8]
    assert client.poll(timeout=0.5, channel="a b", thread_id="t&x", limit=3) == []
    first, second = (parse_qs(urlsplit(path).query) for _, path, _ in transport.asked)
    same = {"agent_id": ["ada"], "timeout": ["0.5"], "limit": ["3"], "channel": ["a b"], "thread_id": ["t&x"]}
    assert first == {**same, "since_id": ["0"], "exclude_self": ["1"]}
    assert second == {**same, "since_id": ["8"], "exclude_self": ["1"]}


def test_poll_waits_at_least_five_seconds_longer_than_the_hub(client: ArcClient, transport: Recording) -> None:
    transport.answers = [[], []]
    client.poll(timeout=40)
    client.poll(timeout=0)
    assert transport.waited == [45.0, 15.0]


def test_bootstrap_puts_every_poll_at_the_newest_message(client: ArcClient, transport: Recording) -> None:
    client.bootstrap()
    transport.answers = [[], []]
    client.poll()
    client.poll(channel="a", exclude_self=False)
    assert [parse_qs(urlsplit(path).query)["since_id"] for _, path, _ in transport.asked[1:]] == [["5"], ["5"]]


def test_polls_begin_anew_when_the_hub_has_another_storage(client: ArcClient, transport: Recording) -> None:
    transport.instance_id = "first"
    client.bootstrap()

    class Reset(list[Any]):
        """The storage is replaced while the hub is asked."""

        def pop(self, *_: object) -> Any:
            transport.instance_id = "second"
            return super().pop(0)

    transport.answers = Reset([[], [{"id": 2}], []])
    assert [message["id"] for message in client.poll()] == [2]
    client.poll()
    since = [parse_qs(urlsplit(path).query)["since_id"] for _, path, _ in transport.asked[1:]]
    assert since == [["5"], ["0"], ["2"]]


def test_call_returns_the_result_and_moves_no_cursor(client: ArcClient, transport: Recording) -> None:
    others = [{"id": 71, "kind": "task_result", "reply_to": 9}, {"id": 72, "kind": "chat", "reply_to": 70}]
    result = {"id": 73, "kind": "task_result", "reply_to": 70, "body": "42"}
    transport.answers = [{"id": 70}, others, [], [result], []]
    assert client.call("bob", "6 * 7?", metadata={"m": 1}) == result
    method, path, payload = transport.asked[0]
    assert (method, path, payload["kind"], payload["channel"]) == ("POST", "/v1/messages", "task_request", "direct")
    since = [parse_qs(urlsplit(path).query)["since_id"] for _, path, _ in transport.asked[1:]]
    assert since == [["70"], ["72"], ["72"]]
    client.poll(timeout=0)
    assert parse_qs(urlsplit(transport.asked[-1][1]).query)["since_id"] == ["0"]


def test_call_without_a_result_is_a_408(client: ArcClient, transport: Recording) -> None:
    transport.answers = [{"id": 70}, []]
    with pytest.raises(ArcError, match="RPC to bob timed out") as caught:
        client.call("bob", "?", timeout=0.0)
    assert caught.value.status == 408


def test_close_ends_the_session_once(client: ArcClient, transport: Recording) -> None:
    client.register()
    sessions = [client.session_id]
    client.close()
    client.close()
    assert [*sessions, client.session_id] == ["s/1", None]
    assert [asked[:2] for asked in transport.asked[1:]] == [("DELETE", "/v1/sessions/s%2F1")]


def test_close_without_a_session_asks_nothing(client: ArcClient, transport: Recording) -> None:
    client.close()
    assert transport.asked == []


def test_close_never_raises(client: ArcClient, transport: Recording) -> None:
    client.register()
    transport.answers = [{"ok": False, "error": "unknown session"}]
    client.close()


def test_a_context_manager_closes_and_lets_errors_through(client: ArcClient, transport: Recording) -> None:
    client.register()
    transport.answers = [{"ok": False, "error": "not today"}]
    with pytest.raises(ArcError, match="not today"), client as entered:
        entered.threads()
    assert transport.asked[-1][0] == "DELETE"


def test_a_refusal_of_a_transport_of_ones_own_is_raised(client: ArcClient, transport: Recording) -> None:
    transport.answers = [{"ok": False, "error": "no", "code": "not_found"}]
    with pytest.raises(ArcError) as caught:
        client.threads()
    error = caught.value
    assert (error.error, error.status, error.code, str(error)) == ("no", 400, "not_found", "no")


def test_a_refusal_without_a_text_still_says_something() -> None:
    assert str(ArcError.from_envelope({"ok": False}, 409)) == "unknown error"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:6969", "http://", "http://127.0.0.1:port", ""])
def test_a_url_that_cannot_be_used_is_refused_at_once(url: str) -> None:
    with pytest.raises(ArcError, match="cannot be used: give http://host:port"):
        ArcClient("ada", url)
