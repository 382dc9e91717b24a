"""What hooks tell an agent of what others said: once each, in few words, and when a turn goes on for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hook_windows import Window, make_tree
from tests.support.served_hub import ServedHub, served_hub


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
