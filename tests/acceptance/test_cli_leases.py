"""The commands that ask for claims and locks, as processes of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.waiting import wait_until

NOT_OURS = 75


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tmp_path)
    hub.start()
    yield hub
    hub.stop()


def command(hub: HubProcess, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "arc", *arguments[:1], "--base-url", hub.url, *arguments[1:]]


def arc(hub: HubProcess, *arguments: str, agent: str = "a") -> "subprocess.CompletedProcess[str]":
    line = command(hub, arguments[0], "--agent", agent, *arguments[1:])
    return subprocess.run(line, capture_output=True, text=True, cwd=CHECKOUT, timeout=60, check=False)


def start(hub: HubProcess, *arguments: str, agent: str = "a") -> "subprocess.Popen[str]":
    line = command(hub, arguments[0], "--agent", agent, *arguments[1:])
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT)


def active(hub: HubProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.get("/v1/locks?active_only=1").result
    return found


def test_a_lock_is_asked_for_kept_and_given_back_and_codes_say_what_came(hub: HubProcess) -> None:
    asked = arc(hub, "lock", "src/**", "docs")
    assert (asked.returncode, asked.stdout.count("yours until")) == (0, 2)
    refused = arc(hub, "lock", "src/a.py", agent="b")
    assert refused.returncode == NOT_OURS
    assert "not yours: a holds the lock on src/**" in refused.stdout
    assert "both cover src/a.py" in refused.stdout
    session = hub.post("/v1/sessions", {"agent_id": "gone"}).result["session_id"]
    assert arc(hub, "lock", "lib", agent="gone").returncode == 0
    hub.call("DELETE", f"/v1/sessions/{session}")
    assert "gone holds the lock on lib" in (left := arc(hub, "lock", "lib", agent="b").stdout)
    assert "and has left" in left
    assert arc(hub, "refresh", "lock:src/**", "--ttl", "30").returncode == 0
    stale = arc(hub, "unlock", "src/**", "--token", "1")
    assert (stale.returncode, "fencing token 1" in stale.stderr) == (1, True)
    assert arc(hub, "unlock", "src/**", "docs").returncode == 0
    told = arc(hub, "lock", "src/a.py", "--json", agent="b")
    assert json.loads(told.stdout)["acquired"]


def test_a_path_from_here_is_told_from_the_top_as_everybody_has_it(tmp_path: Path) -> None:
    below = tmp_path / "src"
    below.mkdir()
    hub = HubProcess.at(tmp_path).start()
    try:

        def here(*arguments: str) -> str:
            line = [sys.executable, "-P", "-m", "arc", *arguments, "--base-url", hub.url]
            environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
            done = subprocess.run(
                line, capture_output=True, text=True, cwd=below, env=environment, timeout=60, check=False
            )
            return done.stdout

        assert here("lock", "./a.py", "--agent", "ada").startswith("src/a.py: yours until")
        assert "ada holds the lock on src/a.py until" in here("lock", "./a.py", "--agent", "bob")
        assert here("locks").splitlines()[1].startswith("src/a.py  ada")
        assert here("unlock", "./a.py", "--agent", "ada") == "src/a.py: given back\n"
    finally:
        hub.stop()


def test_a_claim_is_waited_for(hub: HubProcess) -> None:
    assert arc(hub, "claim", "k").returncode == 0
    waits = start(hub, "claim", "k", "--wait", "30", agent="b")
    wait_until(lambda: hub.get("/v1/claims/queue").result)
    assert arc(hub, "release", "k").returncode == 0
    assert "k: yours until" in waits.communicate(timeout=60)[0]


def test_several_claims_are_had_together_or_not_at_all(hub: HubProcess) -> None:
    assert arc(hub, "claim", "one", agent="b").returncode == 0
    assert arc(hub, "claim", "three").returncode == 0
    refused = arc(hub, "claim", "two", "three", "one")
    assert (refused.returncode, "b holds the claim one" in refused.stdout) == (NOT_OURS, True)
    held = {row["claim_key"]: row["owner_agent_id"] for row in hub.get("/v1/claims?active_only=1").result}
    assert held == {"one": "b", "three": "a"}
    waits = start(hub, "claim", "two", "one", "--wait", "30")
    wait_until(lambda: hub.get("/v1/claims/queue").result)
    assert arc(hub, "release", "one", agent="b").returncode == 0
    assert waits.communicate(timeout=60)[0].count("yours until") == 2
    asked = arc(hub, "claim", "one", "two", "--json")
    assert [json.loads(line)["acquired"] for line in asked.stdout.splitlines()] == [True, True]


def test_claims_that_a_sub_agent_may_use_stay_its_parents_when_others_are_not_to_be_had(hub: HubProcess) -> None:
    for agent in ("a", "b"):
        assert hub.post("/v1/sessions", {"agent_id": agent}).status == 201
    assert hub.post("/v1/sessions", {"agent_id": "a.x", "parent": "a"}).status == 201
    assert arc(hub, "claim", "its-parents", agent="a").returncode == 0
    assert arc(hub, "claim", "taken", agent="b").returncode == 0
    assert arc(hub, "claim", "its-parents", "own", "taken", agent="a.x").returncode == NOT_OURS
    held = {row["claim_key"]: row["owner_agent_id"] for row in hub.get("/v1/claims?active_only=1").result}
    assert held == {"its-parents": "a", "taken": "b"}


def test_how_a_lock_is_held_stands_beside_it(hub: HubProcess) -> None:
    assert arc(hub, "lock", "a.md").returncode == 0
    assert arc(hub, "lock", "b.md", "--shared").returncode == 0
    hub.post("/v1/locks", {"agent_id": "a", "file_path": "c.md", "is_automatic": True})
    modes = dict(re.findall(r"^(\S+\.md) +\S+ +(\w+) ", run(hub, "locks"), re.MULTILINE))
    assert modes == {"a.md": "exclusive", "b.md": "shared", "c.md": "auto"}


def test_who_waits_and_for_how_long_is_told_with_what_is_held_and_as_of_any_event(hub: HubProcess) -> None:
    assert arc(hub, "lock", "src/**").returncode == 0
    waits = start(hub, "lock", "src/a.py", "--wait", "30", agent="b")
    wait_until(lambda: hub.get("/v1/locks/queue").result)
    (place,) = hub.get("/v1/locks/queue").result
    assert place["waited_sec"] in range(30)
    told = run(hub, "locks")
    held, _, queue = told.partition("waiting:")
    assert "src/**" in held
    assert re.search(r"src/a\.py +b +exclusive .* 1 +a$", queue, re.MULTILINE)
    found = json.loads(run(hub, "locks", "--json"))
    assert [row["file_path"] for row in found["locks"]] == ["src/**"]
    (one,) = found["waiting"]
    assert (one["agent_id"], one["ahead"], one["waited_sec"] in range(30)) == ("b", ["a"], True)
    (same,) = json.loads(run(hub, "queue", "--json"))
    assert same["place"] == one["place"]
    assert json.loads(run(hub, "claims", "--json")) == {"claims": [], "waiting": []}
    seen = subprocess.run(
        [sys.executable, "-m", "arc", "log", "seen", "a", "--storage", str(hub.storage)],
        capture_output=True, text=True, cwd=CHECKOUT, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert re.search(r"^waiting: 1\n.*\nsrc/a\.py +b ", seen, re.MULTILINE)
    assert arc(hub, "unlock", "src/**").returncode == 0
    waits.communicate(timeout=60)
    assert "waiting:" not in run(hub, "locks")
    assert "waiting:" in run(hub, "locks", "--as-of", str(place["place"]))


def run(hub: HubProcess, *arguments: str) -> str:
    line = command(hub, *arguments)
    return subprocess.run(line, capture_output=True, text=True, cwd=CHECKOUT, timeout=60, check=True).stdout


def test_a_command_runs_while_its_lock_is_held_and_its_exit_code_is_passed_on(hub: HubProcess) -> None:
    inside = (
        f"import urllib.request as u; print(u.urlopen('{hub.url}/v1/locks?active_only=1').read().decode()); exit(7)"
    )
    ran = arc(hub, "with", "lock:src/**", "claim:k", "--", sys.executable, "-c", inside)
    assert ran.returncode == 7
    assert json.loads(ran.stdout)["result"][0]["file_path"] == "src/**"
    assert active(hub) == []
    assert hub.get("/v1/claims?active_only=1").result == []


def test_a_command_that_a_signal_ended_gives_its_lock_back_all_the_same(hub: HubProcess) -> None:
    inside = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    ran = arc(hub, "with", "lock:src", "--", sys.executable, "-c", inside)
    assert ran.returncode == 128 + signal.SIGKILL
    assert active(hub) == []


def test_a_command_whose_lock_is_taken_away_is_ended_unless_it_is_to_go_on(hub: HubProcess) -> None:
    sleeps = ("--", sys.executable, "-c", "import time; time.sleep(8)")
    for more, code in (((), NOT_OURS), (("--keep-going",), 0)):
        running = start(hub, "with", "--ttl", "5", *more, "lock:src", *sleeps)
        (held,) = wait_until(lambda: active(hub))
        body = {"agent_id": "o", "reason": "it hangs", "fencing_token": held["fencing_token"]}
        assert hub.post("/v1/locks/force-release", body).status == 200
        _out, err = running.communicate(timeout=60)
        assert running.returncode == code
        assert "no longer yours" in err


def test_a_lock_ends_within_its_lease_when_the_one_that_held_it_is_killed(hub: HubProcess, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    inside = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    running = start(hub, "with", "--ttl", "5", "lock:src", "--", sys.executable, "-c", inside)
    wait_until(lambda: active(hub) and pid_file.exists() and pid_file.read_text())
    running.kill()
    running.wait(30)
    wait_until(lambda: not active(hub))
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    running.communicate(timeout=60)


def test_a_hub_that_is_killed_and_comes_back_costs_a_running_command_nothing(hub: HubProcess) -> None:
    inside = "import time; time.sleep(6); exit(3)"
    running = start(hub, "with", "--ttl", "15", "lock:src", "--", sys.executable, "-c", inside)
    wait_until(lambda: active(hub))
    hub.kill()
    time.sleep(0.5)
    hub.start()
    running.communicate(timeout=60)
    assert running.returncode == 3
    assert active(hub) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lock:src", "make"), "say what to run after --"),
        (("src", "--", "make"), "src is not a lease: write lock:PATH or claim:KEY"),
        (("--", "make"), "say what to hold before --"),
        (("lock:src", "--ttl", "9", "--", "make"), "--ttl must stand before what to hold"),
    ],
)
def test_a_line_that_does_not_say_what_to_hold_or_to_run_is_refused(
    hub: HubProcess, arguments: tuple[str, ...], told: str
) -> None:
    ran = arc(hub, "with", *arguments)
    assert ran.returncode != 0
    assert told in ran.stderr
