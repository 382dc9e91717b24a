"""A sandbox without a network, beside a hub that runs outside of it on the same folder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.no_network import CUT_OFF, HIDDEN, needs_hiding, needs_sandbox
from tests.support.waiting import wait_until

pytestmark = needs_sandbox


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tmp_path)
    hub.start()
    yield hub
    hub.stop()


def inside(hub: HubProcess, *arguments: str, cut_off: Sequence[str] = CUT_OFF) -> subprocess.CompletedProcess[str]:
    """A command in the hub's folder, without a network."""
    command = [*cut_off, sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py"), *arguments]
    return subprocess.run(command, cwd=hub.storage.parent, capture_output=True, text=True, timeout=60, check=False)


def test_no_second_hub_is_started_in_a_sandbox(hub: HubProcess) -> None:
    told = inside(hub, "ensure")
    answer = json.loads(told.stdout)
    assert (told.returncode, answer["running"], answer["started"]) == (1, False, False)
    assert "where the network of this sandbox does not reach" in answer["error"]


@needs_hiding
@pytest.mark.parametrize("command", ["ensure", "stop", "doctor --fix"])
def test_where_no_process_outside_is_seen_either_the_hub_counts_as_running(hub: HubProcess, command: str) -> None:
    wait_until((hub.storage.parent / ".arc-relay" / "alive").exists, what="the relay")
    note = hub.storage.with_name(".arc.pid")
    content = note.read_bytes()
    told = inside(hub, *command.split(), cut_off=HIDDEN)
    assert note.read_bytes() == content
    if command != "doctor --fix":
        assert "where the network of this sandbox does not reach" in told.stdout
    assert hub.get("/v1/health").status == 200


def test_a_note_of_a_sandbox_that_has_gone_is_in_nobodys_way(hub: HubProcess) -> None:
    hub.kill()
    note = hub.storage.with_name(".arc.pid")
    note.write_text(json.dumps({**json.loads(note.read_text()), "network": "net:[1]"}))
    sign = hub.storage.parent / ".arc-relay" / "alive"
    sign.touch()  # the hub may have been killed before it had shown any
    os.utime(sign, (1, 1))
    hub.start()
    assert json.loads(note.read_text())["network"] != "net:[1]"


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
