"""Sessions: given what is known, when a command comes, then an event or a refusal."""

import pytest

from arclog.deciders.sessions import (
    CloseSession,
    LiveSession,
    Opening,
    OpenSession,
    RenameSession,
    decide_close,
    decide_open,
    decide_rename,
)
from arclog.errors import InvalidInput, NotFound, SessionCollision
from arclog.events import SessionClosed, SessionOpened, SessionRenamed

NOW = 1_000_000_000
SECOND = 1_000_000
LIVE = LiveSession("s-1", "a", NOW - SECOND)
NOBODY = Opening(None, "s-2")


def test_an_agent_without_a_session_gets_one_named_after_itself() -> None:
    opened = decide_open(NOBODY, OpenSession(agent_id=" a "), NOW)
    assert opened == SessionOpened(agent_id="a", session_id="s-2", display_name="a")


def test_a_session_keeps_what_the_agent_tells_of_itself() -> None:
    command = OpenSession(agent_id="a", display_name=" Ada ", capabilities=[" code ", "", " "], metadata={"v": 1})
    assert decide_open(NOBODY, command, NOW) == SessionOpened(
        agent_id="a", session_id="s-2", display_name="Ada", capabilities=("code",), metadata={"v": 1}
    )


def test_a_blank_display_name_is_the_agents_id() -> None:
    assert decide_open(NOBODY, OpenSession(agent_id="a", display_name="  "), NOW).display_name == "a"


def test_a_live_session_is_not_replaced_unasked() -> None:
    with pytest.raises(SessionCollision, match="agent 'a' already has an active session; pass replace: true") as caught:
        decide_open(Opening(LIVE, "s-2"), OpenSession(agent_id="a"), NOW)
    assert caught.value.agent_id == "a"


def test_a_live_session_is_replaced_when_asked_and_the_event_names_it() -> None:
    opened = decide_open(Opening(LIVE, "s-2"), OpenSession(agent_id="a", replace=True), NOW)
    assert (opened.session_id, opened.replaced_session_id) == ("s-2", "s-1")


def test_replacing_where_nothing_is_live_replaces_nothing() -> None:
    assert decide_open(NOBODY, OpenSession(agent_id="a", replace=True), NOW).replaced_session_id is None


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (OpenSession(agent_id=" "), "agent_id"),
        (OpenSession(agent_id="system"), "agent_id"),
        (OpenSession(agent_id="a\x00"), "agent_id"),
        (OpenSession(agent_id="a" * 257), "agent_id"),
        (OpenSession(agent_id="a", display_name="\x1b[31m"), "display_name"),
        (OpenSession(agent_id="a", capabilities=["x"] * 257), "capabilities"),
        (OpenSession(agent_id="a", capabilities=["x\x00"]), "capabilities"),
        (OpenSession(agent_id="a", capabilities=["x" * 257]), "capabilities"),
        (OpenSession(agent_id="a", metadata={"n": 2**64}), "metadata"),
    ],
)
def test_a_registration_that_cannot_be_used_names_its_field(command: OpenSession, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_open(NOBODY, command, NOW)
    assert caught.value.field == field


def test_bad_input_is_told_before_a_collision() -> None:
    with pytest.raises(InvalidInput):
        decide_open(Opening(LIVE, "s-2"), OpenSession(agent_id="a", metadata={"n": 2**64}), NOW)


def test_as_many_as_256_capabilities_are_kept() -> None:
    names = [f"c{n}" for n in range(256)]
    assert decide_open(NOBODY, OpenSession(agent_id="a", capabilities=names), NOW).capabilities == tuple(names)


def test_a_live_session_is_renamed() -> None:
    renamed = decide_rename(LIVE, RenameSession(agent_id="a", display_name=" Ada "), NOW)
    assert renamed == SessionRenamed(agent_id="a", session_id="s-1", display_name="Ada")


def test_an_agent_without_a_session_cannot_be_renamed() -> None:
    with pytest.raises(NotFound, match="agent 'a' has no active session"):
        decide_rename(None, RenameSession(agent_id="a", display_name="Ada"), NOW)


@pytest.mark.parametrize("name", ["", " ", "n" * 65, "a\x07"])
def test_a_new_name_has_1_to_64_characters(name: str) -> None:
    assert decide_rename(LIVE, RenameSession(agent_id="a", display_name="n" * 64), NOW).display_name == "n" * 64
    with pytest.raises(InvalidInput, match="display_name"):
        decide_rename(LIVE, RenameSession(agent_id="a", display_name=name), NOW)


def test_a_live_session_is_closed_by_its_id() -> None:
    assert decide_close(LIVE, CloseSession(session_id="s-1"), NOW) == SessionClosed(agent_id="a", session_id="s-1")


def test_an_unknown_or_ended_session_cannot_be_closed() -> None:
    with pytest.raises(NotFound, match="session 's-9' is unknown or no longer active"):
        decide_close(None, CloseSession(session_id="s-9"), NOW)
