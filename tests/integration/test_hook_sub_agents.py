"""Sub-agents of a window, by its hooks: who they are, what is kept apart, and what they share with their window."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hook_windows import Window, make_tree
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(make_tree(tmp_path / "tree", "a.py", "b.py")) as served:
        yield served


@pytest.fixture
def ada(hub: ServedHub, tmp_path: Path) -> Window:
    return Window(hub, tmp_path / "tree", "session-ada")


def live(hub: ServedHub) -> dict[str, str | None]:
    return {one["agent_id"]: one.get("parent") for one in hub.get("/v1/agents").result}


def holders(hub: ServedHub) -> list[tuple[str, str]]:
    return [(one["agent_id"], one["file_path"]) for one in hub.get("/v1/locks?active_only=1").result]


def test_a_sub_agent_is_named_after_its_window_and_kind_and_leaves_when_it_ends(hub: ServedHub, ada: Window) -> None:
    parent = ada.start()
    sub_agent = ada.sub_agent("a1f", "Code Reviewer")
    name = sub_agent.start()
    assert name.startswith(f"{parent}.code-reviewer-")
    assert live(hub) == {parent: None, name: parent}
    sub_agent.stop()
    assert live(hub) == {parent: None}


def test_two_sub_agents_of_one_window_are_kept_apart(hub: ServedHub, ada: Window) -> None:
    ada.start()
    first, second = ada.sub_agent("one"), ada.sub_agent("two")
    name, other = first.start(), second.start()
    assert name != other
    assert first.edit("a.py") == ""
    assert f"a.py is locked by {name} until" in second.edit("a.py")
    assert holders(hub) == [(name, "a.py")]
    first.stop()
    second.read("a.py")
    assert second.edit("a.py") == ""


def test_a_sub_agent_edits_what_its_window_has_locked(hub: ServedHub, ada: Window) -> None:
    parent = ada.start()
    hub.post("/v1/locks", {"agent_id": parent, "file_path": "**"})
    sub_agent, stranger = ada.sub_agent("one"), Window(hub, ada.tree, "session-bob")
    stranger.start()
    name = sub_agent.start()
    assert sub_agent.edit("a.py") == ""
    assert holders(hub) == [(parent, "**"), (name, "a.py")]
    assert "is locked by" in stranger.edit("b.py")


def test_what_a_sub_agent_wrote_must_be_read_by_its_window_before_that_edits_it(ada: Window) -> None:
    ada.start()
    sub_agent = ada.sub_agent("one")
    name = sub_agent.start()
    assert sub_agent.edit("a.py") == ""
    assert f"is locked by {name}" in ada.edit("a.py")
    sub_agent.stop()
    assert f"a.py was written by {name}" in ada.edit("a.py")
    ada.read("a.py")
    assert ada.edit("a.py") == ""


def test_a_window_commits_what_its_sub_agents_wrote_and_they_what_it_wrote(ada: Window) -> None:
    ada.start()
    ada.edit("b.py")
    ada.stop()
    sub_agent, other = ada.sub_agent("one"), ada.sub_agent("two")
    sub_agent.start()
    name = sub_agent.edit("a.py") or sub_agent.start()
    assert sub_agent.run("git commit -m first b.py") == ""
    sub_agent.stop()
    assert ada.run("git commit -am all") == ""
    other.start()
    assert f"{name} wrote a.py, which is not committed" in other.run("git stash")


def test_a_sub_agent_without_a_beginning_is_met_at_its_first_tool(hub: ServedHub, ada: Window) -> None:
    parent = ada.start()
    sub_agent = ada.sub_agent("one")
    assert sub_agent.edit("a.py") == ""
    ((name, _),) = holders(hub)
    assert live(hub) == {parent: None, name: parent}


def test_a_window_without_a_session_is_registered_with_its_first_sub_agent(hub: ServedHub, ada: Window) -> None:
    name = ada.sub_agent("one").start()
    assert live(hub) == {name.partition(".")[0]: None, name: name.partition(".")[0]}


def test_sub_agents_end_with_their_window(hub: ServedHub, ada: Window) -> None:
    ada.start()
    sub_agent = ada.sub_agent("one")
    sub_agent.start()
    sub_agent.edit("a.py")
    ada.hook("SessionEnd", reason="other")
    assert (live(hub), holders(hub)) == ({}, [])


def test_a_sub_agent_is_told_its_own_messages_and_its_window_keeps_its_own(hub: ServedHub, ada: Window) -> None:
    parent = ada.start()
    sub_agent = ada.sub_agent("one")
    name = sub_agent.start()
    for agent in (parent, name):
        body = {"from_agent": "bob", "to_agent": agent, "channel": "direct", "body": f"for {agent}"}
        assert hub.post("/v1/messages", body).status == 201
    assert f"for {name}" in sub_agent.after("Read", file_path=str(ada.tree / "b.py"))
    told = ada.after("Read", file_path=str(ada.tree / "b.py"))
    assert f"for {parent}" in told
    assert f"for {name}" not in told


def test_a_sub_agent_goes_on_for_a_message_and_then_ends(hub: ServedHub, ada: Window) -> None:
    parent = ada.start()
    sub_agent = ada.sub_agent("one")
    name = sub_agent.start()
    hub.post("/v1/messages", {"from_agent": "bob", "to_agent": name, "channel": "direct", "body": "one more thing"})
    assert "one more thing" in sub_agent.stop()
    assert sub_agent.stop(again=True) == ""
    assert live(hub) == {parent: None}


def test_an_edit_by_a_sub_agent_that_came_back_is_still_stale(hub: ServedHub, ada: Window) -> None:
    ada.start()
    sub_agent, stranger = ada.sub_agent("one"), Window(hub, ada.tree, "session-bob")
    stranger.start()
    sub_agent.start()
    sub_agent.read("a.py")
    assert stranger.edit("a.py") == ""
    stranger.stop()
    sub_agent.stop()
    sub_agent.start()
    assert "was written by" in sub_agent.edit("a.py")


def test_a_window_is_told_of_what_changes_outside_in_files_that_its_ended_sub_agents_wrote(
    hub: ServedHub, ada: Window
) -> None:
    parent = ada.start()
    sub_agent = ada.sub_agent("one")
    sub_agent.start()
    sub_agent.edit("a.py")
    sub_agent.stop()
    sub_agent.stop()
    (ada.tree / "a.py").write_text("by hand\n")

    def told() -> list[str]:
        return [one["body"] for one in hub.get(f"/v1/inbox/{parent}").result if one["from_agent"] == "guard"]

    wait_until(told, within_sec=60)
    assert "a.py changed, and no hook told of it" in told()[0]
