"""`arc post`, `arc poll`, `arc whoami` and `arc smoke-agent`: an agent's words from a shell."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.arc_011 import require_arc_011
from tests.support.arc_command import PROGRAM, ArcCommand
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

HEAVY = {"api", "apsw", "arclog", "asyncio", "msgspec", "projections", "relay", "starlette", "subprocess", "uvicorn"}
SLOW = {
    "argparse",
    "contextlib",
    "dataclasses",
    "email",
    "http",
    "importlib",
    "inspect",
    "json",
    "pathlib",
    "re",
    "ssl",
}
SLOW |= {"threading", "typing", "urllib", "uuid"}
"""Modules of the standard library each of which takes as long as a call."""


@pytest.fixture
def at(arc: ArcCommand, hub: HubProcess) -> Callable[..., Any]:
    """Run one of the three commands as an agent at the hub."""

    def run(command: str, agent: str, *arguments: object) -> Any:
        return arc(command, "--agent", agent, "--base-url", hub.url, *arguments)

    return run


def test_post_prints_the_message_as_the_hub_keeps_it(at: Callable[..., Any], hub: HubProcess) -> None:
    posted = at("post", "ada", "--thread-id", "t", "--kind", "task", "hé 😀")
    assert posted.code == 0
    assert posted.json == hub.get("/v1/messages?thread_id=t").result[0]
    assert (posted.json["channel"], posted.json["kind"], posted.json["body"]) == ("general", "task", "hé 😀")


def test_a_post_to_one_agent_is_direct_unless_a_channel_is_named(at: Callable[..., Any]) -> None:
    assert at("post", "ada", "--to", "bob", "psst").json["channel"] == "direct"
    assert at("post", "ada", "--to", "bob", "--channel", "general", "psst").json["channel"] == "general"


def test_poll_prints_a_line_for_each_message_that_the_agent_may_see(at: Callable[..., Any]) -> None:
    first = at("post", "ada", "one").json
    second = at("post", "ada", "--to", "bob", "--thread-id", "t", "two").json
    at("post", "ada", "--to", "carol", "three")
    mine = at("post", "bob", "mine").json
    assert at("poll", "bob", "--timeout", "0", "--peek").lines == [first, second]
    assert at("poll", "bob", "--timeout", "0").lines == [first, second]
    assert at("poll", "bob", "--timeout", "0").lines == []
    assert at("poll", "bob", "--timeout", "0", "--since-id", first["id"]).lines == [second]
    assert at("poll", "bob", "--timeout", "0", "--channel", "general", "--include-self").lines == [first, mine]
    assert at("poll", "bob", "--timeout", "0", "--thread-id", "t").lines == [second]


def test_poll_waits_for_the_first_message(arc: ArcCommand, hub: HubProcess) -> None:
    poll = arc.start("poll", "--agent", "bob", "--base-url", hub.url, "--timeout", "30")
    wait_until(lambda: hub.get("/v1/agents").result, what="bob's session")
    hub.post("/v1/messages", {"from_agent": "ada", "body": "now"})
    out, err = poll.communicate(timeout=60)
    assert (poll.returncode, json.loads(out)["body"], err) == (0, "now", "")


def test_whoami_prints_the_bootstrap_with_the_session_which_stays(at: Callable[..., Any], hub: HubProcess) -> None:
    found = at("whoami", "ada")
    assert found.code == 0
    assert found.json["session"]["agent_id"] == "ada"
    assert [one["agent_id"] for one in hub.get("/v1/agents").result] == ["ada"]
    assert at("whoami", "ada").json["session"]["session_id"] != found.json["session"]["session_id"]


def test_a_refusal_is_one_line_where_scripts_for_011_look(at: Callable[..., Any]) -> None:
    ended = at("post", "ada", "--channel", "nowhere", "x")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith("arc error: ")
    assert ended.out.count("\n") == 1


@pytest.mark.parametrize("command", [["post", "x"], ["poll"], ["whoami"]])
def test_no_hub_there_reads_as_a_connection_error(command: list[str], arc: ArcCommand, free_port: int) -> None:
    name, *rest = command
    ended = arc(name, "--agent", "a", "--base-url", f"http://127.0.0.1:{free_port}", *rest)
    assert ended.code == 1
    assert ended.out.startswith("arc error: connection error: ")


def test_a_url_that_is_none_is_one_line(arc: ArcCommand) -> None:
    ended = arc("whoami", "--agent", "a", "--base-url", "127.0.0.1:6969")
    assert (ended.code, ended.out.count("\n")) == (1, 1)
    assert ended.out.startswith("arc error: ")


def test_output_is_readable_json_in_any_locale(arc: ArcCommand, hub: HubProcess) -> None:
    where = ["--agent", "a", "--base-url", hub.url]
    narrow = arc("post", *where, "é😀", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert narrow.out.isascii()
    assert narrow.json["body"] == "é😀"
    assert "é😀" in arc("poll", *where, "--timeout", "0", "--include-self", PYTHONIOENCODING="utf-8").out


def loaded(arc: ArcCommand, *arguments: str) -> set[str]:
    """The top-level modules that a command loads, without those of this environment's own site folder."""
    timed = [sys.executable, "-S", "-X", "importtime", *PROGRAM[1:], *arguments]
    done = subprocess.run(timed, cwd=arc.folder, capture_output=True, text=True, timeout=30, check=True)
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


def test_the_commands_of_an_agent_load_nothing_that_takes_long(arc: ArcCommand, hub: HubProcess) -> None:
    where = ["--agent", "a", "--base-url", hub.url]
    for command in (["whoami", *where], ["post", *where, "x"], ["poll", *where, "--timeout", "0"]):
        assert loaded(arc, *command) & {*HEAVY, *SLOW} == set(), command


def test_a_hub_that_runs_is_found_without_anything_of_the_hub(arc: ArcCommand, hub: HubProcess) -> None:
    assert loaded(arc, "ensure", *at_(hub)) & HEAVY == set()


def at_(hub: HubProcess) -> list[str]:
    return ["--port", str(hub.port), "--storage", str(hub.storage)]


def test_the_roles_of_the_smoke_test_meet(arc: ArcCommand, hub: HubProcess) -> None:
    def play(role: str, transport: str) -> "subprocess.Popen[str]":
        place = ["--base-url", hub.url, "--relay-dir", hub.spool_dir, "--poll-interval-sec", "0.1"]
        return arc.start("smoke-agent", "--role", role, "--transport", transport, *place, "--timeout-sec", "30")

    roles = [play("smoke-c", "http"), play("smoke-b", "relay"), play("smoke-a", "http")]
    assert [one.communicate(timeout=40) for one in roles] == [("", "")] * 3
    assert [one.returncode for one in roles] == [0, 0, 0]


def test_a_smoke_test_that_fails_says_where(arc: ArcCommand, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    ended = arc("smoke-agent", "--role", "smoke-a", "--transport", "http", "--base-url", url)
    assert ended.code == 1
    assert ended.out.startswith("Smoke test failed: open session failed: connection error: ")


def test_a_relay_carries_requests_to_a_hub_elsewhere(arc: ArcCommand, hub: HubProcess) -> None:
    relay = arc.start("relay", "--base-url", hub.url, "--spool-dir", "outside")
    wait_until((arc.folder / "outside" / "responses").exists, what="the relay's folder")
    requests = arc.folder / "outside" / "requests" / "ada"
    requests.mkdir()
    request = {"method": "POST", "path": "/v1/messages", "body": {"from_agent": "ada", "body": "over files"}}
    (requests / "unfinished").write_text(json.dumps(request))
    (requests / "unfinished").rename(requests / "1.json")
    response = arc.folder / "outside" / "responses" / "ada" / "1.json"
    wait_until(response.exists, what="the response")
    assert json.loads(response.read_text())["status"] == 201
    relay.terminate()
    assert "Traceback" not in relay.communicate(timeout=60)[1]
    assert relay.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--base-url", "nonsense"], "the URL 'nonsense' cannot be used: give http://host:port"),
        (["--spool-dir", "/proc/nowhere"], "the relay's folder /proc/nowhere cannot be used: "),
    ],
)
def test_a_relay_that_cannot_serve_is_one_line(arguments: list[str], told: str, arc: ArcCommand) -> None:
    ended = arc("relay", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert told in ended.err.splitlines()[-1]
    assert ended.err.splitlines()[-1].startswith("arc error: ")


def test_the_commands_of_both_print_the_same(arc: ArcCommand, free_port: int) -> None:
    """What `arc` 0.1.1 prints at its hub and this one at its own differs in values that are new each time, no more."""
    python = str(require_arc_011())
    url = f"http://127.0.0.1:{free_port}"
    seen: dict[str, list[Any]] = {}
    for name, program in (("011", [python, "-P", "-m", "arc"]), ("this", list(PROGRAM))):
        folder = arc.inside(name).folder

        def run(*arguments: str, program: list[str] = program, folder: Path = folder) -> Any:
            environment = os.environ | {"PYTHONPATH": ""}
            done = subprocess.run(
                [*program, *arguments],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            try:
                value = json.loads(done.stdout)
            except ValueError:
                value = done.stdout[:11]
            return done.returncode, sorted(value) if isinstance(value, dict) and "id" in value else value

        place, where = ["--port", str(free_port)], ["--base-url", url]
        seen[name] = [
            run("stop", *place),
            run("ensure", *place),
            run("ensure", *place),
            run("post", "--agent", "a", *where, "--to", "b", "hello"),
            run("post", "--agent", "a", *where, "--channel", "nowhere", "hello"),
            sorted(run("whoami", "--agent", "a", *where)[1]),
            sorted(run("stop", *place)[1]),
            run("stop", *place),
            run("reset", *place)[0],
            run("reset", *place),
            run("whoami", "--agent", "a", *where),
            run("post", "--agent", "a")[0],
        ]
    assert seen["this"] == seen["011"]
