"""Arc 0.1.1 and this one: its programs run here unchanged, its client works at this hub, and this client at its hub."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.arc_011 import hub_011, require_arc_011
from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.ports import find_free_port

PROGRAMS = Path(__file__).with_name("programs_011")
CLIENTS = ["client 0.1.1", "this client"]
HUBS = ["hub 0.1.1", "this hub"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], HubProcess]]:
    """Start a hub of one of the two kinds, with a storage of its own."""
    started: list[HubProcess] = []

    def start_one(kind: str) -> HubProcess:
        home = tmp_path / f"{kind} {len(started)}"
        home.mkdir()
        hub = hub_011(home) if kind == "hub 0.1.1" else HubProcess.at(home)
        started.append(hub)
        return hub.start()

    yield start_one
    for hub in started:
        hub.stop()


def python_of(client: str) -> tuple[str, dict[str, str]]:
    """The Python of a client and the environment in which it finds that client alone."""
    if client == "this client":
        return sys.executable, os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return str(require_arc_011()), os.environ | {"PYTHONPATH": ""}


def run(client: str, *arguments: str, cwd: Path) -> list[str]:
    """The lines that a Python program prints with one of the two clients."""
    python, environment = python_of(client)
    command = [python, "-P", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout.splitlines()


PAIRS = [(hub, client) for hub in HUBS for client in CLIENTS]
ORIGINAL, *OTHERS = PAIRS


@pytest.mark.parametrize("program", ["conversation.py", "sandbox.py"])
def test_a_program_for_011_sees_the_same_with_either_client_at_either_hub(
    program: str, start: Callable[[str], HubProcess], tmp_path: Path
) -> None:
    seen = {}
    for hub, client in PAIRS:
        process = start(hub)
        spool = process.home / ".arc-relay"
        seen[hub, client] = run(client, str(PROGRAMS / program), process.url, str(spool), cwd=tmp_path)
        process.stop()
    for pair in OTHERS:
        assert seen[pair] == seen[ORIGINAL], pair


def test_a_program_for_011_starts_and_stops_a_hub_of_this_kind(tmp_path: Path) -> None:
    seen = {}
    for client in CLIENTS:
        folder = tmp_path / client
        folder.mkdir()
        try:
            seen[client] = run(client, str(PROGRAMS / "own_hub.py"), str(find_free_port()), cwd=folder)
        finally:
            run(client, "-c", "import arc; arc.stop_hub(storage='own.sqlite3', port=1)", cwd=folder)
    assert seen["this client"] == seen["client 0.1.1"]


def test_the_commands_of_011_work_at_this_hub(start: Callable[[str], HubProcess], tmp_path: Path) -> None:
    url = start("this hub").url

    def arc(command: str, agent: str, *arguments: str) -> list[str]:
        where = ["--agent", agent, "--base-url", url]
        return run("client 0.1.1", "-m", "arc", command, *where, *arguments, cwd=tmp_path)

    assert json.loads("".join(arc("whoami", "bob")))["session"]["agent_id"] == "bob"
    arc("post", "ada", "hello")
    arc("post", "ada", "--to", "bob", "--thread-id", "t", "psst")
    polled = [json.loads(line) for line in arc("poll", "bob", "--timeout", "5")]
    assert [(one["body"], one["to_agent"]) for one in polled] == [("hello", None), ("psst", "bob")]


@pytest.mark.parametrize("hub", HUBS)
@pytest.mark.parametrize("ours", ["smoke-a", "smoke-b", "smoke-c"])
def test_the_smoke_roles_of_both_meet(ours: str, hub: str, start: Callable[[str], HubProcess], tmp_path: Path) -> None:
    process = start(hub)
    ending = []
    for role in ("smoke-c", "smoke-b", "smoke-a"):
        python, environment = python_of("this client" if role == ours else "client 0.1.1")
        details: dict[str, object] = {
            "role": role,
            "transport_name": "relay" if role == "smoke-b" else "http",
            "base_url": process.url,
        }
        details |= {"relay_dir": str(process.spool_dir), "timeout_sec": 30, "poll_interval_sec": 0.1}
        program = f"import arc; arc.run_smoke_agent(**{details!r})"
        ending.append(subprocess.Popen([python, "-P", "-c", program], cwd=tmp_path, env=environment))
    assert [one.wait(60) for one in ending] == [0, 0, 0]


def test_this_hub_knows_keys_and_that_of_011_does_not(start: Callable[[str], HubProcess]) -> None:
    """What the client goes by when an answer was lost."""
    old, new = (start(kind).get("/v1/hub-info").result for kind in HUBS)
    assert "idempotency_key" in new["extensions"]
    assert "extensions" not in old
    assert old["features"] == new["features"]
