"""Hubs with storages of their own, on one log on PostgreSQL."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arclog.codec import Metadata
from arclog.events import RulesRaised
from tests.support.arc_command import ArcCommand, end_hubs_below
from tests.support.hub_process import HubProcess
from tests.support.postgresql import OWNER, Server
from tests.support.postgresql_recorders import log_at, recorder_on
from tests.support.waiting import wait_until

HubOn = Callable[..., HubProcess]


@pytest.fixture
def hub_on(tmp_path: Path) -> Iterator[HubOn]:
    """Start hubs on a log: `hub_on(url)`; each has a folder of its own, as if it were on a machine of its own."""
    started: list[HubProcess] = []

    def start(url: str, *options: str, **environment: str) -> HubProcess:
        home = tmp_path / f"machine-{len(started)}"
        home.mkdir()
        hub = HubProcess.at(home, "--log", url, *options, **environment)
        started.append(hub)
        return hub.start()

    yield start
    for hub in started:
        hub.stop()


def say(hub: HubProcess, body: str, agent: str = "a", key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return hub.post("/v1/messages", {"from_agent": agent, "channel": "general", "body": body}, headers=headers)


def said(hub: HubProcess) -> list[str]:
    return [message["body"] for message in hub.get("/v1/messages?channel=general&limit=500").result]


def test_two_hubs_on_one_log_answer_as_one(hub_on: HubOn, log_url: str) -> None:
    one, two = hub_on(log_url), hub_on(log_url)
    first = say(one, "hello", key="k")
    assert say(two, "hello", key="k").body == first.body
    wait_until(lambda: said(two) == ["hello"], what="the message at the other hub")
    held = one.post("/v1/locks", {"agent_id": "a", "file_path": "src/a.py"})
    refused = two.post("/v1/locks", {"agent_id": "b", "file_path": "src/a.py"})
    assert (held.body["acquired"], refused.body["acquired"]) == (True, False)
    infos = [hub.get("/v1/hub-info").result for hub in (one, two)]
    assert infos[0]["instance_id"] == infos[1]["instance_id"] == infos[0]["log_state"]["log_id"]
    assert "one copy only" in infos[0]["log_state"]["durability"]


@pytest.mark.outer
def test_three_agents_meet_each_at_another_hub(hub_on: HubOn, log_url: str, tmp_path: Path) -> None:
    hubs = [hub_on(log_url).url for _ in range(3)]
    done = ArcCommand(tmp_path)("smoke", "--hubs", *hubs)
    assert done.code == 0, done.err
    assert done.out.startswith("it works: three agents met at")


@pytest.mark.outer
def test_a_hub_that_starts_again_keeps_its_log_and_has_what_it_missed(hub_on: HubOn, log_url: str) -> None:
    one, two = hub_on(log_url), hub_on(log_url)
    say(one, "before")
    two.stop()
    say(one, "meanwhile")
    two.options = ()  # the storage knows
    two.start()
    assert said(two) == ["before", "meanwhile"]
    assert say(two, "after").status == 201


@pytest.mark.outer
def test_a_hub_that_finds_no_log_and_has_no_copy_says_so_in_one_line(tmp_path: Path, free_port: int) -> None:
    storage = tmp_path / "a.sqlite3"
    done = ArcCommand(tmp_path)(
        "--log", f"postgresql://arc_hub@127.0.0.1:{free_port}/arc", "--storage", str(storage), "--port", "0"
    )
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert "the log cannot be reached" in line
    assert str(storage) in line
    assert not storage.exists()


@pytest.mark.outer
def test_a_hub_that_is_too_old_for_the_logs_rules_shows_everything_and_decides_nothing(
    hub_on: HubOn, log_url: str, tmp_path: Path
) -> None:
    """As hubs are upgraded one by one: the first new one raises the number, the others wait for their turn."""
    old, other = hub_on(log_url), hub_on(log_url)
    say(old, "before")
    with recorder_on(log_url, tmp_path / "newer.sqlite3") as newer:
        log = newer._side.log
        log.begin()
        log.append(RulesRaised(number=99, version="9.0.0"), log.now(), Metadata("hub"))
        log.commit()
        head = log.kept_to
    for hub in (old, other):
        answer = say(hub, "after", key="k")
        assert (answer.status, answer.body["code"]) == (503, "newer_rules")
        assert "9.0.0" in answer.body["error"]
        wait_until(lambda hub=hub: hub.get("/v1/health").result["head"] >= head, what="the newer hub's event")  # type: ignore[misc]
        assert said(hub) == ["before"]
        lock = hub.post("/v1/locks", {"agent_id": "a", "file_path": "src/a.py"})
        assert (lock.status, lock.body["code"]) == (503, "newer_rules")
    old.stop()
    old.start()
    assert said(old) == ["before"], "it starts, too"
    assert len(log_at(log_url)) == head, "and nothing was decided"


@pytest.mark.outer
def test_a_copy_is_never_served_without_its_log(hub_on: HubOn, log_url: str, tmp_path: Path) -> None:
    one = hub_on(log_url)
    say(one, "kept")
    one.stop()
    copied = tmp_path / "copied.sqlite3"
    copied.write_bytes(one.storage.read_bytes())
    done = ArcCommand(tmp_path)("--storage", str(copied), "--port", "0")
    assert done.code == 1
    assert "is a copy of the log at" in done.err
    assert "arc log fork" in done.err


@pytest.mark.outer
def test_a_copy_has_one_hub(hub_on: HubOn, log_url: str) -> None:
    one = hub_on(log_url)
    done = ArcCommand(one.home)("--storage", str(one.storage), "--port", "0", "--log", log_url)
    assert done.code == 1
    assert "is already running" in done.err


@pytest.mark.outer
@pytest.mark.parametrize("option", ["postgresql://u:secret@h/db", "postgresql://u@h/db?password=secret"])
def test_a_password_in_the_url_is_refused_before_it_is_kept(tmp_path: Path, option: str) -> None:
    for words in (["--log", option], ["ensure", "--log", option]):
        done = ArcCommand(tmp_path)(*words, "--storage", str(tmp_path / "arc.sqlite3"))
        assert done.code == 1
        assert "PGPASSFILE" in done.out + done.err
        assert "secret" not in done.out + done.err
    assert not (tmp_path / ".arc.sqlite3.options").exists()


@pytest.mark.outer
def test_the_password_of_a_role_is_seen_nowhere(server: Server, log_url: str, tmp_path: Path) -> None:
    """`arc ensure` with PGPASSWORD: neither the process list, nor a file of the storage, nor the log has it."""
    storage = tmp_path / "arc.sqlite3"
    done = ArcCommand(tmp_path)("ensure", "--storage", str(storage), PGPASSWORD="hunter2hunter2", ARC_LOG=log_url)
    try:
        assert done.json["running"], done.out
        listed = subprocess.run(["ps", "-ewwo", "args"], check=True, capture_output=True, text=True).stdout
        assert str(storage) in listed
        assert "hunter2hunter2" not in listed
        for file in tmp_path.iterdir():
            if file.is_file():
                assert b"hunter2hunter2" not in file.read_bytes(), file
        assert json.loads((tmp_path / ".arc.sqlite3.options").read_text())["log"] == log_url
    finally:
        end_hubs_below(tmp_path)


@pytest.mark.outer
def test_arc_log_create_tells_what_a_hub_lacks(server: Server, tmp_path: Path) -> None:
    server.sql("postgres", "CREATE DATABASE nothing_there TEMPLATE template0")
    done = ArcCommand(tmp_path)(
        "--log", server.url("arc_hub", "nothing_there"), "--storage", str(tmp_path / "a.sqlite3")
    )
    assert done.code == 1
    assert "permission denied" in done.err
    made = ArcCommand(tmp_path)("log", "create", "--log", server.url(OWNER, "nothing_there"), "--role", "nobody_at_all")
    assert made.code == 1
    assert 'CREATE ROLE "nobody_at_all" LOGIN' in made.err
