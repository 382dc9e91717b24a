"""What hooks tell an agent of what others said: once each, in few words, and when a turn goes on for it."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hook_windows import Window, make_tree
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until

LS = {"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_response": {}}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one committed file."""
    return make_tree(tmp_path / "tree", "a.py")


@pytest.fixture
def hub(tree: Path) -> Iterator[ServedHub]:
    with served_hub(tree) as served:
        yield served


@pytest.fixture
def ada(hub: ServedHub, tree: Path) -> Window:
    return Window(hub, tree, "session-ada")


def test_what_was_said_is_told_once_after_a_tool(hub: ServedHub, ada: Window) -> None:
    ada.start()
    hub.say("the build is red", channel="general")
    told = ada.after("Bash", command="ls")
    assert "“the build is red”" in told
    assert len(told) <= 800
    assert ada.after("Bash", command="ls") == ""


def test_what_holds_on_is_told_once_too(hub: ServedHub, ada: Window) -> None:
    ada.start()
    task = hub.post("/v1/messages", {"from_agent": "bob", "kind": "task", "body": "mend it", "channel": "general"})
    told = ada.after("Bash", command="ls")
    assert f"task {task.result['id']} is ready for you" in told
    hub.say("one more", channel="general")
    assert "is ready for you" not in ada.after("Bash", command="ls")


def test_a_question_to_the_agent_makes_its_turn_go_on_once(hub: ServedHub, ada: Window) -> None:
    name = ada.start()
    asked = {"from_agent": "bob", "kind": "task_request", "body": "which port?", "to_agent": name, "ack": True}
    hub.post("/v1/messages", asked)
    assert "which port?" in ada.stop()
    assert ada.stop(again=True) == ""


def test_what_an_agent_wrote_itself_is_no_news(hub: ServedHub, ada: Window) -> None:
    name = ada.start()
    hub.post("/v1/messages", {"from_agent": name, "body": "mine", "channel": "general"})
    assert ada.after("Bash", command="ls") == ""


def test_news_are_cut_to_800_characters_and_say_how_many_are_left_out(hub: ServedHub, ada: Window) -> None:
    ada.start()
    for number in range(19):
        hub.say(f"{number} " + "long " * 40, channel="general")
    told = ada.after("Bash", command="ls")
    assert len(told) <= 800
    assert "more" in told.splitlines()[-1]


def test_a_turn_goes_on_once_for_a_message_to_the_agent(hub: ServedHub, ada: Window) -> None:
    name = ada.start()
    hub.say("please look at a.py", to_agent=name)
    assert "“please look at a.py”" in ada.stop()
    assert ada.stop(again=True) == ""


def test_a_turn_is_not_made_to_go_on_for_ever(hub: ServedHub, ada: Window) -> None:
    name = ada.start()
    went_on = 0
    for number in range(10):
        hub.say(f"message {number}", to_agent=name)
        went_on += bool(ada.stop(again=number > 0))
    assert went_on == 3


def test_what_a_hook_did_not_wait_for_is_told_by_the_next(hub: ServedHub, ada: Window) -> None:
    ada.start()
    for number in range(20):
        hub.say(f"message {number}", channel="general")
        body = json.dumps({"session_id": ada.session, "cwd": str(ada.tree), "hook_event_name": "PostToolUse"} | LS)
        head = f"POST /v1/hooks/claude-code HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        with hub.connect() as hook:
            hook.sendall(f"{head}{body}".encode())
            hook.recv(1, socket.MSG_PEEK)  # the harness has ended the hook, which has read nothing of its answer
        wait_until(lambda: f"“message {number}”" in ada.after("Bash", command="ls"), what="the message")  # noqa: B023


def test_what_a_hook_of_a_sub_agent_did_not_wait_for_is_told_by_its_next(hub: ServedHub, ada: Window) -> None:
    ada.start()
    sub_agent = ada.sub_agent("one")
    sub_agent.start()
    given = {"session_id": ada.session, "cwd": str(ada.tree), "hook_event_name": "PostToolUse", **LS}
    given |= {"agent_id": sub_agent.number, "agent_type": sub_agent.kind}
    for number in range(5):
        hub.say(f"message {number}", channel="general")
        body = json.dumps(given)
        head = f"POST /v1/hooks/claude-code HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        with hub.connect() as hook:
            hook.sendall(f"{head}{body}".encode())
            hook.recv(1, socket.MSG_PEEK)
        wait_until(lambda: f"“message {number}”" in sub_agent.after("Bash", command="ls"), what="the message")  # noqa: B023


def test_what_was_not_told_yet_is_told_by_the_next_run_of_the_hub(tree: Path) -> None:
    with served_hub(tree) as hub:
        ada = Window(hub, tree, "session-ada")
        ada.start()
        hub.say("told before", channel="general")
        assert "told before" in ada.after("Bash", command="ls")
        assert ada.after("Bash", command="ls") == ""
        hub.say("not told yet", channel="general")
        assert ada.before("Edit", file_path=str(tree / "a.py")) == ""  # an event of the agent's own, after the message
    with served_hub(tree) as hub:
        told = Window(hub, tree, "session-ada").after("Bash", command="ls")
        assert ("not told yet" in told, "told before" in told) == (True, False)
