"""`arc watch`: a command for each event, at least once, in order."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.support.served_hub import ServedHub, served_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedHub]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with served_hub(tmp_path) as served:
        yield served


def watch(hub: ServedHub, *more: str) -> int:
    return main(["watch", "--base-url", hub.url, *more])


def begin(hub: ServedHub, *more: str) -> None:
    """Let a watch take its place in the log."""
    assert watch(hub, *more, "--times", "0") == 0


def test_each_event_comes_to_the_command_as_json_and_none_twice(hub: ServedHub, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    asked = ["--type", "message.posted", "--exec", f"cat >> {seen}; echo >> {seen}"]
    begin(hub, *asked)
    hub.say("one")
    hub.say("two")
    assert watch(hub, *asked, "--times", "1") == 0
    hub.say("three")
    assert watch(hub, *asked, "--times", "2") == 0
    assert [json.loads(line)["data"]["body"] for line in seen.read_text().splitlines()] == ["one", "two", "three"]


def test_what_is_said_to_one_agent_alone_can_be_watched(hub: ServedHub, capsys: pytest.CaptureFixture[str]) -> None:
    begin(hub, "--to", "ada")
    hub.say("for all")
    hub.say("for ada", to_agent="ada")
    watch(hub, "--to", "ada", "--times", "1")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["data"]["body"] == "for ada"


def test_a_command_that_fails_is_told_and_does_not_end_the_watch(
    hub: ServedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(hub, "--exec", "exit 3")
    hub.say("one")
    assert watch(hub, "--exec", "exit 3", "--times", "1") == 0
    assert "ended with 3" in capsys.readouterr().err


def test_two_filters_at_once_are_refused(hub: ServedHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch(hub, "--to", "ada", "--stream", "lock/a") == 2
    assert "give one" in capsys.readouterr().err
