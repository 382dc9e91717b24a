"""A real window of Claude Code that waits for its user: it is woken, and its model answers by its own tool."""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.support.harness_programs import find_program
from tests.support.harness_windows import HarnessWindow, claude_window, settle_window
from tests.support.hub_process import HubProcess
from tests.support.scripted_model import ScriptedModel, Step, scripted_model
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

WITHIN_SEC = 60


class FindTool(Step):
    """The model asks for a tool that it was not offered at once."""

    def __init__(self, name: str) -> None:
        super().__init__("find")
        self._name = name

    def to_call(self, offered: set[str], repository: str) -> tuple[str, dict[str, Any]]:
        return "ToolSearch", {"query": f"select:{self._name}", "max_results": 1}


class SendBack(Step):
    """The model sends a message to the address that stands in what woke it."""

    def __init__(self, model: ScriptedModel) -> None:
        super().__init__("send")
        self._model = model

    def to_call(self, offered: set[str], repository: str) -> tuple[str, dict[str, Any]]:
        assert "SendMessage" in offered
        (address,) = set(re.findall(r"SendMessage to (uds:/[\w./-]+)", json.dumps(self._model.requests[-1])))
        return "SendMessage", {"to": address, "summary": "an answer", "message": "I look at it now."}


@pytest.fixture
def model(repository: Path) -> Iterator[ScriptedModel]:
    with scripted_model([], str(repository)) as model:
        yield model


@pytest.fixture
def window(
    repository: Path, hub: HubProcess, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HarnessWindow]:
    """A window that is set up for its user, and idle: nobody has typed anything."""
    if find_program("claude-code") is None:
        pytest.skip("claude is not installed: set ARC_TEST_HARNESSES to a folder that has it")
    with tempfile.TemporaryDirectory(prefix="arc-") as short:  # for sockets, whose paths must be
        home = Path(short)
        settle_window(home, repository)
        monkeypatch.setenv("HOME", str(home))
        for name in ("CLAUDE_CONFIG_DIR", "XDG_STATE_HOME"):
            monkeypatch.delenv(name, raising=False)
        with chdir(repository):
            assert main(["setup", "--user", "claude-code"]) == 0
        with claude_window(repository, home, model.url) as window:
            wait_until(lambda: hub.get("/v1/agents").result, within_sec=WITHIN_SEC, what="the window's agent")
            yield window


def wake(hub: HubProcess) -> tuple[str, dict[str, Any]]:
    """Say something to the window's agent and have it called; its name and the wake."""
    (agent,) = hub.get("/v1/agents").result
    name = str(agent["agent_id"])
    said = hub.post("/v1/messages", {"from_agent": "ada", "to_agent": name, "body": "the build is red"}).result
    asked = hub.post(f"/v1/agents/{name}/wake", {"from_agent": "ada", "message_id": said["id"]}).result
    return name, asked


def state_of(hub: HubProcess, asked: dict[str, Any]) -> str:
    return str(hub.get(f"/v1/wakes/{asked['wake_id']}").result["state"])


@pytest.mark.usefixtures("window")
def test_an_idle_window_wakes_and_its_model_reads_why(hub: HubProcess, model: ScriptedModel) -> None:
    assert model.requests == []
    _, asked = wake(hub)
    wait_until(lambda: state_of(hub, asked) == "seen", within_sec=WITHIN_SEC, what="the wake was seen")
    wait_until(lambda: model.saw("ada asks for you"), within_sec=WITHIN_SEC, what="the model was asked")
    assert model.saw("ada says: “the build is red”")
    assert hub.get(f"/v1/wakes/{asked['wake_id']}").result["road"] == "claude-inbox"


def test_what_its_model_sends_back_with_its_own_tool_is_a_message_to_whoever_asked(
    hub: HubProcess, model: ScriptedModel, window: HarnessWindow
) -> None:
    model.add(FindTool("SendMessage"), SendBack(model))
    name, asked = wake(hub)

    def answers() -> list[Any]:
        events = hub.get("/v1/log?limit=1000").result
        return [event for event in events if event["type"] == "message.posted" and event["actor"] == name]

    wait_until(answers, within_sec=WITHIN_SEC, what=f"an answer; the window shows {window.shown[-2000:]}")
    (answer,) = answers()
    assert answer["data"]["body"] == "I look at it now."
    assert answer["data"]["to_agent"] == "ada"
    assert answer["data"]["reply_to"] == asked["message_id"]
    assert model.saw("success")
