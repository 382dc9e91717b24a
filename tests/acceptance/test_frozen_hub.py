"""A hub that stood still (Ctrl-Z, a paused container) heard nobody meanwhile, and blames nobody for it.

While it stands still, whoever calls it is told so, and waits no longer than that takes.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import arc as package
from tests.support.arc_command import ArcCommand
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

TTL_SEC = 5
FROZEN_SEC = 8


def test_a_hub_that_was_frozen_for_longer_than_the_ttl_takes_nothing_from_agents_that_called(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path, "--presence-ttl-sec", str(TTL_SEC))
    hub.start()
    try:
        for agent in ("caller", "gone"):
            hub.post("/v1/sessions", {"agent_id": agent})
            hub.post("/v1/locks", {"agent_id": agent, "file_path": agent, "ttl_sec": 300})
        done = threading.Event()

        def call_every_second() -> None:
            while not done.wait(1):
                hub.get("/v1/events?agent_id=caller", timeout=FROZEN_SEC + 20)

        calling = threading.Thread(target=call_every_second)
        calling.start()
        try:
            assert hub.process is not None
            os.kill(hub.process.pid, signal.SIGSTOP)
            time.sleep(FROZEN_SEC)  # how long it stands still is what is tried
            os.kill(hub.process.pid, signal.SIGCONT)
            assert [agent["agent_id"] for agent in hub.get("/v1/agents").result] == ["caller", "gone"]
            wait_until(
                lambda: [agent["agent_id"] for agent in hub.get("/v1/agents").result] == ["caller"],
                what="the end of the agent that does not call",
            )
        finally:
            done.set()
            calling.join()
        held = {lock["file_path"] for lock in hub.get("/v1/locks?active_only=1").result}
        assert held == {"caller"}
        ends = hub.get("/v1/log?type=session.expired").result
        assert [end["data"]["agent_id"] for end in ends] == ["gone"]
    finally:
        hub.stop()


TOLD_WITHIN_SEC = 10.0
"""It takes less than one, where the machine is not busy; a call that nobody answers waits for fifteen and more."""


@pytest.fixture
def stopped(arc: ArcCommand, free_port: int) -> Iterator[int]:
    """A folder's hub that stands still: its process."""
    arc("ensure", "--port", free_port)
    pid: int = json.loads((arc.folder / ".arc.pid").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("command", ["whoami --agent a", "post --agent a hi", "locks", "doctor", "ask --agent a what?"])
@pytest.mark.parametrize("named", [False, True])
def test_a_hub_that_stands_still_is_named_to_its_callers_at_once(
    arc: ArcCommand, stopped: int, free_port: int, command: str, named: bool
) -> None:
    environment: dict[str, Any] = {"ARC_URL": f"http://127.0.0.1:{free_port}"} if named else {}
    began_at = time.monotonic()
    ended = arc(*command.split(), **environment)
    took_sec = time.monotonic() - began_at
    assert ended.code == 1
    said = f"(process {stopped}) is stopped, as by Ctrl-Z: kill -CONT {stopped} lets it go on"
    assert said in ended.out + ended.err
    assert "arc ensure" not in ended.out + ended.err  # which would start no other
    assert took_sec < TOLD_WITHIN_SEC


def test_a_hub_that_stands_still_holds_up_no_tool_of_a_harness(arc: ArcCommand, stopped: int) -> None:
    script = Path(package.__file__).with_name("arc_hook.py")
    call: dict[str, Any] = {"session_id": "s", "cwd": str(arc.folder), "hook_event_name": "PreToolUse"}
    call |= {"tool_name": "Edit", "tool_input": {"file_path": "a.py"}}
    began_at = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, "claude-code"],
        input=json.dumps(call),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began_at < TOLD_WITHIN_SEC


def test_a_hub_that_goes_on_soon_is_waited_for(arc: ArcCommand, stopped: int) -> None:
    waking = threading.Timer(0.2, os.kill, (stopped, signal.SIGCONT))
    waking.start()
    assert arc("locks").code == 0
    waking.join()
