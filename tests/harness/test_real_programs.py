"""The guard on the real coding agents: what they are refused, what they lock, and what their model is told."""

import json
import subprocess
import sys
import urllib.request
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.support.harness_programs import PROGRAMS, find_program, run_turn, settle
from tests.support.hub_process import HubProcess
from tests.support.scripted_model import CallTool, ScriptedModel, Step, scripted_model
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

ALL = list(PROGRAMS)
ARC = f"{sys.executable} -m arc"
"""The command, in a shell that may have a path of its own."""


@pytest.fixture
def repository(repository: Path) -> Path:
    """One with a file to be edited."""
    (repository / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *who, *words], cwd=repository, check=True)
    return repository


class Harness:
    """A harness that is set up in a repository."""

    def __init__(self, name: str, repository: Path, hub: HubProcess) -> None:
        self.name = name
        self.repository = repository
        self.hub = hub
        if find_program(name) is None:
            pytest.skip(f"{PROGRAMS[name]} is not installed: set ARC_TEST_HARNESSES to a folder that has it")
        self.home = repository.parent / "home"

    def set_up(self, *options: str) -> None:
        with chdir(self.repository):
            assert main(["setup", self.name, *options]) == 0

    def set_up_for_user(self) -> None:
        """Write to the home that the program is run with, and to nothing else."""
        settle(self.name, self.repository, self.home)
        moved = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(self.home))
            for name in moved:
                patch.delenv(name, raising=False)
            self.set_up("--user")

    def run(self, *steps: Step) -> ScriptedModel:
        """One turn in which the model takes some steps."""
        with scripted_model(list(steps), str(self.repository)) as model:
            self.said = run_turn(self.name, self.repository, self.home, model.url)
        return model

    def events(self, kind: str) -> list[Any]:
        return [event for event in self.hub.get("/v1/log?limit=1000").result if event["type"] == kind]


@pytest.fixture
def harness(request: pytest.FixtureRequest, repository: Path, hub: HubProcess) -> Harness:
    harness = Harness(request.param, repository, hub)
    harness.set_up()
    return harness


@pytest.fixture
def harness_of_user(request: pytest.FixtureRequest, repository: Path, hub: HubProcess) -> Harness:
    """A harness that is set up for all folders of a user, and in none of them."""
    harness = Harness(request.param, repository, hub)
    harness.set_up_for_user()
    return harness


EDIT = Step("edit", "calc.py", old="    return a + b", new="    return b + a")


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_an_edit_of_what_another_holds_is_refused_and_the_model_is_told_why(harness: Harness) -> None:
    harness.hub.post("/v1/locks", {"agent_id": "ada", "file_path": "calc.py"})
    model = harness.run(Step("read", "calc.py"), EDIT)
    assert model.saw("calc.py is locked by ada until"), harness.said
    assert "return a + b" in (harness.repository / "calc.py").read_text()


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_a_free_file_is_locked_by_itself_and_free_when_the_turn_ends(harness: Harness) -> None:
    harness.run(Step("write", "new.py", new="A = 1\n"))
    assert (harness.repository / "new.py").read_text() == "A = 1\n", harness.said
    (taken,) = harness.events("lock.acquired")
    assert taken["data"]["file_path"] == "new.py"
    assert taken["data"]["is_automatic"]
    assert harness.events("turn.ended")
    assert harness.hub.get("/v1/locks?active_only=1").result == []


@pytest.mark.parametrize("harness", ["claude-code", "codex", "qwen"], indirect=True)
def test_a_sub_agent_is_an_agent_below_its_window_and_gone_when_it_has_ended(harness: Harness) -> None:
    def wait() -> None:
        wait_until(lambda: harness.events("turn.ended"), within_sec=60, what="the end of the sub-agent's turn")

    harness.run(
        Step("begin"), Step("write", "new.py", new="A = 1\n", inside=True), Step("shell", command="ls", before=wait)
    )
    assert (harness.repository / "new.py").read_text() == "A = 1\n", harness.said
    window, sub_agent = harness.events("session.opened")
    assert sub_agent["data"]["parent"] == window["actor"]
    (taken,) = harness.events("lock.acquired")
    assert taken["actor"] == sub_agent["actor"]
    assert [one["actor"] for one in harness.events("turn.ended")] == [sub_agent["actor"]]
    assert harness.hub.get("/v1/locks?active_only=1").result == []


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_what_an_agent_types_in_its_harnesss_shell_is_its_own(harness: Harness) -> None:
    model = harness.run(Step("shell", command=f"{ARC} whoami; {ARC} post 'I take the lexer.'; {ARC} lock calc.py"))
    (name,) = {event["actor"] for event in harness.events("session.opened")}
    assert model.saw(f'"agent_id": "{name}"'), harness.said
    assert [event["actor"] for event in harness.events("message.posted")] == [name], harness.said
    assert [event["actor"] for event in harness.events("lock.acquired")] == [name], harness.said


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_a_stash_is_refused_while_another_holds_something(harness: Harness) -> None:
    harness.hub.post("/v1/locks", {"agent_id": "ada", "file_path": "calc.py"})
    (harness.repository / "calc.py").write_text("changed\n")
    model = harness.run(Step("shell", command="git stash"))
    assert model.saw("git stash is refused: ada holds calc.py"), harness.said
    assert (harness.repository / "calc.py").read_text() == "changed\n"


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_what_others_say_comes_at_the_start_and_with_the_next_tool(harness: Harness) -> None:
    def say() -> None:
        harness.hub.post("/v1/messages", {"from_agent": "ada", "body": "the build is red"})

    model = harness.run(Step("shell", command="ls", before=say), Step("shell", command="pwd"))
    assert model.saw("Arc: this window is the agent"), harness.said
    assert model.saw("“the build is red”"), harness.said


@pytest.mark.parametrize("harness", ["claude-code", "codex", "gemini", "qwen"], indirect=True)
def test_a_message_to_the_agent_makes_its_turn_go_on_once(harness: Harness) -> None:
    def say() -> None:
        (opened,) = harness.events("session.opened")
        harness.hub.post("/v1/messages", {"from_agent": "ada", "to_agent": opened["actor"], "body": "look at calc.py"})

    # The tool that runs at last is of no concern to the hooks, so the message is there when the turn ends.
    model = harness.run(Step("shell", command="ls"), Step("read", "calc.py", before=say))
    assert model.saw("“look at calc.py”"), harness.said


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_the_hooks_and_the_mcp_server_of_a_window_are_one_agent(harness: Harness) -> None:
    harness.run(Step("shell", command="ls"), Step("shell", command="sleep 2"))
    assert len({event["actor"] for event in harness.events("session.opened")}) == 1, harness.said


@pytest.mark.parametrize("harness", ["claude-code", "gemini", "opencode"], indirect=True)
def test_what_an_agent_polls_for_reaches_its_model(harness: Harness) -> None:
    def say() -> None:
        for number in range(3):
            harness.hub.post("/v1/messages", {"from_agent": "ada", "body": f"line {number} of the list"})

    model = harness.run(CallTool("poll_messages", before=say, timeout=5), CallTool("whoami"))
    for number in range(3):
        assert model.saw(f"line {number} of the list"), harness.said
    (opened,) = {event["actor"] for event in harness.events("session.opened")}
    assert json.dumps(model.requests[-1]).count(opened) >= 1, harness.said


@pytest.mark.parametrize("harness", ["claude-code", "codex", "gemini", "opencode", "qwen"], indirect=True)
def test_two_windows_are_two_agents(harness: Harness) -> None:
    harness.run(Step("shell", command="ls"))
    harness.run(Step("shell", command="ls"))
    assert len({event["actor"] for event in harness.events("session.opened")}) == 2, harness.said


@pytest.mark.parametrize("harness", ALL, indirect=True)
def test_an_edit_of_what_another_wrote_since_is_refused(harness: Harness) -> None:
    path = harness.repository / "calc.py"

    def write() -> None:
        """Another window edits the file and ends its turn, while this model thinks."""
        for event in ("PreToolUse", "PostToolUse", "Stop"):
            given = {"tool_name": "Edit", "tool_input": {"file_path": str(path)}}
            call_hook(harness.hub, {"session_id": "s", "cwd": str(path.parent), "hook_event_name": event, **given})
            path.write_text("# theirs\ndef add(a, b):\n    return a + b\n")

    model = harness.run(Step("read", "calc.py"), Step("edit", "calc.py", old=EDIT.old, new=EDIT.new, before=write))
    assert "return a + b" in path.read_text(), harness.said
    assert model.saw("was written by claude-") or harness.name == "claude-code", harness.said


@pytest.mark.parametrize("harness", ALL, indirect=True)
@pytest.mark.parametrize("closed", [False, True])
def test_while_the_hub_is_away_the_repository_chooses(harness: Harness, closed: bool) -> None:
    if closed:
        harness.set_up("--closed")
    harness.hub.stop()
    harness.hub.storage.write_text("no storage, so that no session can start a hub")
    harness.run(Step("write", "new.py", new="A = 1\n"))
    assert (harness.repository / "new.py").exists() != closed, harness.said


@pytest.mark.parametrize("harness_of_user", ALL, indirect=True)
def test_what_is_set_up_for_a_user_guards_a_repository_that_has_a_hub(harness_of_user: Harness) -> None:
    harness = harness_of_user
    harness.hub.post("/v1/locks", {"agent_id": "ada", "file_path": "calc.py"})
    model = harness.run(Step("read", "calc.py"), EDIT, Step("write", "new.py", new="A = 1\n"))
    assert model.saw("Arc: this window is the agent"), harness.said
    assert model.saw("calc.py is locked by ada until"), harness.said
    assert "return a + b" in (harness.repository / "calc.py").read_text()
    assert [event["data"]["file_path"] for event in harness.events("lock.acquired")] == ["calc.py", "new.py"]
    assert len({event["actor"] for event in harness.events("session.opened")}) == 1, harness.said


@pytest.mark.parametrize("harness_of_user", ALL, indirect=True)
def test_what_is_set_up_for_a_user_and_for_the_repository_guards_once(harness_of_user: Harness) -> None:
    harness = harness_of_user
    harness.set_up()

    def say() -> None:
        harness.hub.post("/v1/messages", {"from_agent": "ada", "body": "the build is red"})

    model = harness.run(
        Step("write", "new.py", new="A = 1\n"), Step("shell", command="ls", before=say), Step("shell", command="ls")
    )
    assert len(harness.events("lock.acquired")) == 1, harness.said
    assert len(harness.events("file.written")) == 1, harness.said
    assert len({event["actor"] for event in harness.events("session.opened")}) == 1, harness.said
    assert json.dumps(model.requests[-1]).count("the build is red") == 1, harness.said


def call_hook(hub: HubProcess, body: dict[str, object]) -> None:
    """Call the hub as a hook of another window."""
    request = urllib.request.Request(f"{hub.url}/v1/hooks/claude-code", json.dumps(body).encode())  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()
