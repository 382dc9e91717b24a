"""A real window of Codex that waits for its user: once its model has called a tool of Arc, it is woken by its queue."""

import tempfile
from collections.abc import Iterator
from contextlib import chdir, suppress
from pathlib import Path

import pytest

from cli.main import main
from tests.support.harness_programs import find_program, settle
from tests.support.harness_windows import HarnessWindow, codex_window
from tests.support.hub_process import HubProcess
from tests.support.scripted_model import CallTool, ScriptedModel, Step, scripted_model
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

WITHIN_SEC = 60
READY = "\x1b[?2004h"
"""What a terminal is sent by a program that waits for what is typed."""


@pytest.fixture
def model(repository: Path) -> Iterator[ScriptedModel]:
    with scripted_model([CallTool("whoami"), Step("write", "new.py", new="A = 1\n")], str(repository)) as model:
        yield model


def begin(window: HarnessWindow, model: ScriptedModel) -> None:
    """Press the key until it is taken: one that comes right after the text counts as part of it."""
    for _ in range(WITHIN_SEC):
        window.type("\r")
        with suppress(AssertionError):
            wait_until(lambda: model.requests, within_sec=1)
            return
    raise AssertionError(f"no turn began; the window shows {window.shown[-2000:]}")


@pytest.fixture
def window(
    repository: Path, hub: HubProcess, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HarnessWindow]:
    """A window that is set up for its user, and idle after one turn."""
    if find_program("codex") is None:
        pytest.skip("codex is not installed: set ARC_TEST_HARNESSES to a folder that has it")
    with tempfile.TemporaryDirectory(prefix="arc-", ignore_cleanup_errors=True) as short:
        home = Path(short)
        settle("codex", repository, home)
        monkeypatch.setenv("HOME", str(home))
        for name in ("CODEX_HOME", "XDG_STATE_HOME"):
            monkeypatch.delenv(name, raising=False)
        with chdir(repository):
            assert main(["setup", "--user", "codex"]) == 0
        with codex_window(repository, home, model.url) as window:
            wait_until(lambda: READY in window.shown, within_sec=WITHIN_SEC, what="the window")
            window.type("Go on.")
            begin(window, model)
            ended = "/v1/log?type=turn.ended"
            wait_until(lambda: hub.get(ended).result, within_sec=WITHIN_SEC, what="the end of the turn")
            yield window


@pytest.mark.usefixtures("window")
def test_an_idle_window_of_codex_wakes_and_its_model_reads_why(hub: HubProcess, model: ScriptedModel) -> None:
    (agent,) = hub.get("/v1/agents").result
    name = str(agent["agent_id"])
    said = hub.post("/v1/messages", {"from_agent": "ada", "to_agent": name, "body": "the build is red"}).result
    asked = hub.post(f"/v1/agents/{name}/wake", {"from_agent": "ada", "message_id": said["id"]}).result
    wait_until(lambda: model.saw("ada asks for you"), within_sec=WITHIN_SEC, what="the model was asked")
    assert model.saw("the build is red")

    def state() -> str:
        return str(hub.get(f"/v1/wakes/{asked['wake_id']}").result["state"])

    wait_until(lambda: state() == "seen", within_sec=WITHIN_SEC, what="the wake was seen")
    assert hub.get(f"/v1/wakes/{asked['wake_id']}").result["road"] == "codex-queue"
