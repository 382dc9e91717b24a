"""`arc smoke` says in one line whether agents reach each other."""

import subprocess
import sys
from pathlib import Path

from tests.support.arc_command import ArcCommand
from tests.support.hub_process import CHECKOUT, HubProcess


def smoke(hub: HubProcess, spool_dir: Path, timeout_sec: float) -> subprocess.CompletedProcess[str]:
    """Run the command beside `hub`."""
    command = [sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py"), "smoke", "--base-url", hub.url]
    command += ["--spool-dir", str(spool_dir), "--timeout-sec", str(timeout_sec)]
    return subprocess.run(command, cwd=hub.home, capture_output=True, text=True, timeout=60, check=False)


def test_it_says_in_one_line_that_three_agents_met(hub: HubProcess) -> None:
    done = smoke(hub, hub.spool_dir, 30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("it works: three agents met")
    assert done.stdout.count("\n") == 1


def test_a_second_run_meets_in_a_thread_of_its_own(hub: HubProcess) -> None:
    assert [smoke(hub, hub.spool_dir, 30).returncode for _run in range(2)] == [0, 0]


def test_where_no_relay_looks_it_says_who_did_not_get_through(hub: HubProcess) -> None:
    done = smoke(hub, hub.home / "nobody-looks-here", 1)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("arc error: the smoke test failed: smoke-")
    assert "smoke-b" in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_leaves_no_room_thread_task_or_agent_behind(hub: HubProcess) -> None:
    rooms = hub.get("/v1/channels").result
    assert smoke(hub, hub.spool_dir, 30).returncode == 0
    assert hub.get("/v1/channels").result == rooms
    for path in ("/v1/threads", "/v1/tasks", "/v1/agents", "/v1/claims?active_only=1"):
        assert hub.get(path).result == [], path
    assert hub.get("/v1/events?agent_id=bystander").result == []


def test_without_options_it_tries_the_hub_and_the_relay_of_the_folder(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    done = arc.inside("src")("smoke")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"it works: three agents met at http://127.0.0.1:{free_port} over")
