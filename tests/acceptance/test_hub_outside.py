"""A sandbox without a network, beside a hub that runs outside of it on the same folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.no_network import CUT_OFF, needs_sandbox
from tests.support.waiting import wait_until

pytestmark = needs_sandbox


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tmp_path)
    hub.start()
    yield hub
    hub.stop()


def inside(hub: HubProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in the hub's folder, without a network."""
    command = [*CUT_OFF, sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py"), *arguments]
    return subprocess.run(command, cwd=hub.storage.parent, capture_output=True, text=True, timeout=60, check=False)


def test_no_second_hub_is_started_in_a_sandbox(hub: HubProcess) -> None:
    told = inside(hub, "ensure")
    answer = json.loads(told.stdout)
    assert (told.returncode, answer["running"], answer["started"]) == (1, False, False)
    assert "where the network of this sandbox does not lead" in answer["error"]


@pytest.mark.parametrize(
    "command", ["post --agent ada hello", "agents", "lock --agent ada a.py", "task next --agent ada"]
)
def test_a_command_in_a_sandbox_names_the_relay_that_is_the_way_out(hub: HubProcess, command: str) -> None:
    spool = hub.storage.parent / ".arc-relay"
    wait_until((spool / "alive").exists, what="the relay")
    told = inside(hub, *command.split())
    assert told.returncode == 1
    assert f"go over the relay that serves {spool}: arc help use-from-a-sandbox" in told.stdout + told.stderr


def test_the_note_of_a_hub_outside_is_left_where_it_is(hub: HubProcess) -> None:
    note = hub.storage.with_name(".arc.pid")
    content = note.read_bytes()
    inside(hub, "doctor", "--fix")
    assert note.read_bytes() == content
    assert hub.get("/v1/health").status == 200
