"""`ArcClient` at work, over HTTP and over the relay, at this hub and at one of Arc 0.1.1."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from arc import ArcClient, ArcError, FileRelayClient, SmokeError, run_smoke_agent
from tests.support.arc_011 import hub_011
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

Open = Callable[..., ArcClient]


@pytest.fixture(scope="module", params=["http", "relay", "http to 0.1.1"])
def carrier(request: pytest.FixtureRequest) -> str:
    """How the agents of a story reach which hub. The relay of 0.1.1, a quarter of a second a call, is in acceptance."""
    return str(request.param)


@pytest.fixture(scope="module")
def hub(carrier: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub for all stories of this module; each uses agents, channels and threads of its own."""
    home = tmp_path_factory.mktemp("hub")
    hub = hub_011(home) if carrier == "http to 0.1.1" else HubProcess.at(home)
    try:
        yield hub.start()
    finally:
        hub.stop()


@pytest.fixture
def join(carrier: str, hub: HubProcess, prefix: str) -> Iterator[Open]:
    """Open registered clients: `join("ada")`. Their ids begin with the test's own prefix."""
    with ExitStack() as clients:

        def open_client(name: str, *, capabilities: list[str] | None = None) -> ArcClient:
            agent_id = f"{prefix}-{name}"
            over_relay = carrier == "relay"
            client = ArcClient.over_relay(agent_id, hub.spool_dir) if over_relay else ArcClient(agent_id, hub.url)
            clients.enter_context(client)
            client.register(capabilities=capabilities)
            client.bootstrap()
            return client

        yield open_client


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A word that no other test of this module uses."""
    return "".join(character if character.isalnum() else "-" for character in request.node.name)[-60:].strip("-")


def test_agents_register_and_see_each_other(join: Open) -> None:
    ada = join("ada", capabilities=["python", "sql"])
    bob = join("bob")
    session = ada.bootstrap()["session"]
    assert session is not None
    assert (session["session_id"], session["capabilities"]) == (ada.session_id, ["python", "sql"])
    assert {ada.agent_id, bob.agent_id} <= {one["agent_id"] for one in bob.agents()}
    assert ada.agent_id in {one["agent_id"] for one in bob.agents(capability="sql")}
    assert bob.agent_id not in {one["agent_id"] for one in bob.agents(capability="sql")}


def test_an_agent_that_is_there_is_not_replaced_unless_asked(join: Open) -> None:
    ada = join("ada")
    with pytest.raises(ArcError) as caught:
        ada.register(replace=False)
    assert caught.value.status == 409
    first = ada.session_id
    assert ada.register()["session_id"] != first


def test_leaving_ends_the_session(join: Open) -> None:
    ada, bob = join("ada"), join("bob")
    with bob:
        pass
    assert bob.session_id is None
    assert bob.agent_id not in {one["agent_id"] for one in ada.agents()}


def test_polling_one_channel_swallows_nothing(join: Open, prefix: str) -> None:
    ada, bob = join("ada"), join("bob")
    for name in ("one", "two"):
        ada.create_channel(f"{prefix}-{name}", metadata={"name": name})
        ada.post(f"{prefix}-{name}", f"in {name}")
    ada.dm(bob.agent_id, "to you")
    bob.post(f"{prefix}-one", "my own")

    def poll(channel: str | None = None, *, exclude_self: bool = True) -> list[str]:
        found = bob.poll(timeout=0, channel=channel and f"{prefix}-{channel}", exclude_self=exclude_self)
        return [message["body"] for message in found if message["from_agent"] in {ada.agent_id, bob.agent_id}]

    assert poll("one") == ["in one"]
    assert poll("two") == ["in two"]
    assert poll() == ["in one", "in two", "to you"]
    assert [poll("one"), poll("two"), poll()] == [[], [], []]
    assert poll("one", exclude_self=False) == ["in one", "my own"]


def test_poll_waits_for_a_message(join: Open, prefix: str) -> None:
    ada, bob = join("ada"), join("bob")
    timer = threading.Timer(0.2, lambda: ada.dm(bob.agent_id, "there"))
    timer.start()
    found = bob.poll(timeout=20, channel="direct")
    timer.join()
    assert [message["body"] for message in found] == ["there"]


def test_messages_carry_all_that_was_given(join: Open, prefix: str) -> None:
    ada = join("ada")
    attachments = [
        {"type": "code", "content": "print('ü')", "language": "python"},
        {"type": "file_ref", "path": "a.py"},
    ]
    first = ada.post("general", "begin", thread_id=prefix)
    posted = ada.post(
        "general",
        "",
        kind="artifact",
        thread_id=prefix,
        attachments=attachments,
        metadata={"n": 1},
        reply_to=first["id"],
    )
    assert (posted["kind"], posted["thread_id"], posted["metadata"], posted["reply_to"]) == (
        "artifact",
        prefix,
        {"n": 1},
        first["id"],
    )
    assert [one["type"] for one in posted["attachments"]] == ["code", "file_ref"]
    assert ada.messages(thread_id=prefix) == [first, posted]
    assert ada.messages(thread_id=prefix, since_id=first["id"]) == [posted]
    assert ada.messages(thread_id=prefix, tail=True, limit=1) == [posted]
    thread = ada.get_thread(prefix)
    assert thread["messages"] == [first, posted]
    assert thread["thread"] in ada.threads()


def test_direct_messages_lie_in_the_inbox(join: Open) -> None:
    ada, bob = join("ada"), join("bob")
    sent = [ada.dm(bob.agent_id, text) for text in ("one", "two")]
    assert bob.inbox() == sent
    assert bob.inbox(since_id=sent[0]["id"]) == sent[1:]
    assert bob.inbox(tail=True, limit=1) == sent[1:]


def test_a_claim_has_one_owner_until_it_is_released(join: Open, prefix: str) -> None:
    ada, bob = join("ada"), join("bob")
    mine = ada.claim(prefix, thread_id=prefix, metadata={"n": 1})
    assert (mine["owner_agent_id"], mine["thread_id"], mine["metadata"]) == (ada.agent_id, prefix, {"n": 1})
    assert bob.claim(prefix)["owner_agent_id"] == ada.agent_id
    assert ada.refresh_claim(prefix, 600)["expires_at"] > mine["expires_at"]
    for refused in (bob.refresh_claim, bob.release):
        with pytest.raises(ArcError) as caught:
            refused(prefix)
        assert caught.value.status == 404
    assert [one["claim_key"] for one in bob.claims(thread_id=prefix, active_only=True)] == [prefix]
    assert ada.release(prefix)["released_at"] is not None
    theirs = bob.claim(prefix)
    assert theirs["owner_agent_id"] == bob.agent_id
    assert theirs.get("fencing_token", 1) > mine.get("fencing_token", 0)


def test_a_lock_has_one_owner_until_it_is_released(join: Open, prefix: str) -> None:
    ada, bob = join("ada"), join("bob")
    path = f"src/{prefix}/ä b.py"
    mine = ada.lock(path, 300, {"thread_id": prefix})
    assert (mine["agent_id"], mine["metadata"]) == (ada.agent_id, {"thread_id": prefix})
    assert bob.lock(path)["agent_id"] == ada.agent_id
    assert ada.refresh_lock(path, 600)["expires_at"] > mine["expires_at"]
    with pytest.raises(ArcError) as caught:
        bob.unlock(path)
    assert caught.value.status == 404
    assert [one["file_path"] for one in bob.locks(agent_id=ada.agent_id, active_only=True)] == [path]
    assert ada.unlock(path)["released_at"] is not None
    assert bob.lock(path)["agent_id"] == bob.agent_id


def test_completing_the_last_child_completes_the_parent(join: Open, prefix: str) -> None:
    ada = join("ada")
    parent = ada.post("general", "all of it", kind="task", thread_id=prefix)["id"]
    child = ada.post("general", "a part", kind="task", thread_id=prefix, parent_task_id=parent)["id"]
    assert [task["task_id"] for task in ada.tasks(thread_id=prefix, status="open")] == [parent, child]
    assert ada.complete_task(child)["status"] == "done"
    assert ada.complete_task(child)["status"] == "done"
    assert {task["task_id"]: task["status"] for task in ada.tasks(thread_id=prefix)} == {parent: "done", child: "done"}
    assert [task["task_id"] for task in ada.tasks(parent_id=parent)] == [child]
    with pytest.raises(ArcError) as caught:
        ada.complete_task(2**50)
    assert caught.value.status == 404


@pytest.mark.parametrize("directly", [True, False])
def test_call_returns_the_result_and_leaves_everything_to_the_polls(directly: bool, join: Open, prefix: str) -> None:
    ada, bob = join("ada"), join("bob")

    def answer() -> None:
        (request,) = bob.poll(timeout=20, channel="direct")
        bob.dm(ada.agent_id, "something else")
        to = ada.agent_id if directly else None
        channel = "direct" if directly else "general"
        bob.post(channel, "42", kind="task_result", to_agent=to, reply_to=request["id"])

    thread = threading.Thread(target=answer)
    thread.start()
    result = ada.call(bob.agent_id, "6 * 7?", timeout=20, poll_interval=0.2, metadata={"n": 1})
    thread.join()
    assert (result["body"], result["from_agent"], result["kind"]) == ("42", bob.agent_id, "task_result")
    polled = [message["body"] for message in ada.poll(timeout=0) if message["from_agent"] == bob.agent_id]
    assert polled == ["something else", "42"]


def test_call_without_an_answer_is_a_408(join: Open) -> None:
    with pytest.raises(ArcError) as caught:
        join("ada").call("nobody", "?", timeout=0.1)
    assert caught.value.status == 408


def test_what_the_hub_refuses_is_raised_with_its_status(join: Open) -> None:
    ada = join("ada")
    calls: list[tuple[Callable[[], object], int]] = [
        (lambda: ada.get_thread("no such thread/ü"), 404),
        (lambda: ada.post("no-such-channel", "hi"), 400),
        (lambda: ada.poll(channel="no-such-channel", timeout=0), 404),
        (lambda: ada.post("general", ""), 400),
    ]
    for refused, status in calls:
        with pytest.raises(ArcError) as caught:
            refused()
        assert (caught.value.status, bool(caught.value.error)) == (status, True)
        assert caught.value.code in {None, "not_found", "invalid_input"}


def test_quickstart_begins_at_what_comes_next(hub: HubProcess, prefix: str) -> None:
    with ArcClient.quickstart(f"{prefix}-ada", hub.url, display_name="Ada", capabilities=["x"]) as ada:
        ada.post("general", "before")
        with ArcClient.quickstart(f"{prefix}-bob", hub.url) as bob:
            after = ada.post("general", "after")
            assert bob.poll(timeout=5) == [after]
            (found,) = [one for one in bob.agents() if one["agent_id"] == ada.agent_id]
            assert (found["display_name"], found["capabilities"]) == ("Ada", ["x"])


def test_threads_of_a_program_share_one_client(join: Open, prefix: str) -> None:
    ada = join("ada")
    waiting = threading.Thread(target=ada.poll, kwargs={"timeout": 20, "channel": "direct"})
    waiting.start()
    posting = [
        threading.Thread(target=ada.post, args=("general", str(n)), kwargs={"thread_id": prefix}) for n in range(8)
    ]
    for thread in posting:
        thread.start()
    for thread in posting:
        thread.join()
    assert sorted(message["body"] for message in ada.messages(thread_id=prefix)) == [str(n) for n in range(8)]
    join("bob").dm(ada.agent_id, "enough")
    waiting.join()


def test_the_relay_returns_the_hubs_whole_answer(hub: HubProcess, prefix: str) -> None:
    relay = FileRelayClient(agent_id=prefix, spool_dir=hub.spool_dir, timeout=20, poll_interval_sec=0.01)
    found = relay.call("GET", "/v1/channels")
    assert (found["ok"], found["status"], found["body"]["ok"]) == (True, 200, True)
    refused = relay.call("GET", "/v1/threads/none-of-it")
    assert (refused["ok"], refused["status"], refused["body"]["ok"]) == (False, 404, False)
    unusable = relay.call("GET", "v1/channels")
    assert (unusable["ok"], unusable["status"]) == (False, 400)
    assert unusable["error"].startswith("invalid relay request: ")


def test_the_smoke_roles_meet(hub: HubProcess, prefix: str) -> None:
    ended: dict[str, int] = {}

    def play(role: str, transport_name: str) -> None:
        ended[role] = run_smoke_agent(
            role=role,
            transport_name=transport_name,
            base_url=hub.url,
            relay_dir=str(hub.spool_dir),
            thread_id=prefix,
            claim_key=prefix,
            timeout_sec=20,
            poll_interval_sec=0.1,
        )

    roles = [("smoke-c", "http"), ("smoke-b", "relay"), ("smoke-a", "http")]
    threads = [threading.Thread(target=play, args=role) for role in roles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {"smoke-a": 0, "smoke-b": 0, "smoke-c": 0}


def test_a_smoke_role_that_nobody_joins_fails(hub: HubProcess, prefix: str) -> None:
    with pytest.raises(SmokeError, match=f"timed out waiting for messages on thread {prefix}"):
        run_smoke_agent(
            role="smoke-b",
            transport_name="http",
            base_url=hub.url,
            thread_id=prefix,
            timeout_sec=0.1,
            poll_interval_sec=0.1,
        )


@pytest.mark.parametrize(
    ("role", "transport_name", "error"),
    [
        ("smoke-d", "http", "unknown role: smoke-d"),
        ("smoke-a", "pigeon", "unknown transport: pigeon"),
        ("smoke-a", "http", "open session failed: connection error: "),
    ],
)
def test_a_smoke_role_that_cannot_begin_says_why(role: str, transport_name: str, error: str, free_port: int) -> None:
    with pytest.raises(SmokeError, match=error):
        run_smoke_agent(role=role, transport_name=transport_name, base_url=f"http://127.0.0.1:{free_port}")


def test_a_smoke_claim_that_somebody_holds_is_named(hub: HubProcess, prefix: str) -> None:
    with ArcClient.quickstart("smoke-a", hub.url) as holder:
        holder.create_channel("smoke-room")
        holder.post("smoke-room", "a task", kind="task", thread_id=prefix)
        holder.claim(prefix)
        with pytest.raises(SmokeError, match=f"claim {prefix} is held by smoke-a"):
            run_smoke_agent(
                role="smoke-b",
                transport_name="http",
                base_url=hub.url,
                thread_id=prefix,
                claim_key=prefix,
                timeout_sec=10,
            )


def test_a_program_rides_out_a_restart_of_its_hub(forked_hub: HubProcess) -> None:
    hub = forked_hub
    with ArcClient.quickstart("ada", hub.url) as ada:
        stop = threading.Event()
        posted: list[int] = []

        def post() -> None:
            while not stop.is_set():
                posted.append(ada.post("general", "on and on")["id"])

        thread = threading.Thread(target=post)
        thread.start()
        wait_until(lambda: len(posted) > 20)
        hub.kill()
        hub.start()
        before = len(posted)
        wait_until(lambda: len(posted) > before + 20)
        stop.set()
        thread.join()
        found = ada.messages(channel="general", limit=500)
    assert [message["id"] for message in found][: len(posted)] == posted[:500]
