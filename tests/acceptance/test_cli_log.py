"""`arc log show`, `replay` and `verify`: beside a running hub and on what a stopped one left."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.arc_command import ArcCommand
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until


@pytest.fixture
def log(arc: ArcCommand, hub: HubProcess) -> Callable[..., Any]:
    """Run an `arc log` command on the hub's storage."""
    for number in range(5):
        hub.post("/v1/messages", {"from_agent": f"a{number % 2}", "body": f"message {number}"})
    hub.post("/v1/locks", {"agent_id": "a1", "file_path": "src/a.py"})
    hub.post("/v1/locks", {"agent_id": "a1", "file_path": "src/b.py"})
    hub.post("/v1/tasks/999/complete", {})

    def run(command: str, *arguments: object) -> Any:
        return arc("log", command, "--storage", hub.storage, *arguments)

    return run


def types(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


def test_show_prints_the_last_events_in_log_order(log: Callable[..., Any]) -> None:
    shown = log("show", "--limit", "3", "--json").lines
    assert types(shown) == ["message.posted", "lock.acquired", "lock.acquired"]
    last = shown[-1]
    assert [event["event_id"] for event in shown] == [last["event_id"] - 2, last["event_id"] - 1, last["event_id"]]
    assert (last["stream"], last["actor"], last["data"]["file_path"]) == ("lock/src/b.py", "a1", "src/b.py")
    assert last["metadata"]["transport"] == "http"
    assert len(bytes.fromhex(last["digest"])) == 32


def test_show_narrows_by_type_stream_and_actor(log: Callable[..., Any]) -> None:
    assert types(log("show", "--type", "lock.acquired", "--json").lines) == ["lock.acquired"] * 2
    assert types(log("show", "--type", "lock.", "--json").lines) == ["lock.acquired"] * 2
    assert types(log("show", "--stream", "lock/src/a.py", "--json").lines) == ["lock.acquired"]
    assert len(log("show", "--stream", "channel/", "--type", "message.posted", "--json").lines) == 5
    assert {event["actor"] for event in log("show", "--actor", "a0", "--json").lines} == {"a0"}
    assert log("show", "--actor", "a0", "--type", "lock.", "--json").out == ""


def test_show_prints_a_line_for_each_event_that_no_terminal_obeys(hub: HubProcess, log: Callable[..., Any]) -> None:
    hub.post("/v1/messages", {"from_agent": "ada", "body": "one\nline \x1b[31m\x9b"})
    (line,) = log("show", "--limit", "1").out.splitlines()
    assert line.split()[2:5] == ["message.posted", "channel/general", "ada"]
    assert line.isprintable()


def test_the_tables_of_a_running_hub_follow_from_its_log(hub: HubProcess, log: Callable[..., Any]) -> None:
    done = threading.Event()

    def post_on() -> None:
        while not done.is_set():
            assert hub.post("/v1/messages", {"from_agent": "busy", "body": "x"}).status == 201

    thread = threading.Thread(target=post_on, daemon=True)
    thread.start()
    try:
        replayed, verified = log("replay"), log("verify")
    finally:
        done.set()
        thread.join()
    assert (replayed.code, verified.code) == (0, 0)
    assert "follow from the log, row by row" in replayed.out
    assert "the chain is whole" in verified.out


def test_what_a_killed_hub_left_can_be_looked_at(hub: HubProcess, log: Callable[..., Any]) -> None:
    assert hub.process is not None
    os.kill(hub.process.pid, signal.SIGKILL)
    hub.process.wait()
    assert types(log("show", "--limit", "1", "--json").lines) == ["lock.acquired"]
    assert (log("replay").code, log("verify").code) == (0, 0)


def change(storage: Path, statement: str) -> None:
    """Change a stopped storage behind the log's back."""
    with closing(sqlite3.connect(storage)) as connection, connection:
        connection.execute("DROP TRIGGER IF EXISTS events_are_never_changed")
        connection.execute("DROP TRIGGER IF EXISTS events_are_never_removed")
        connection.execute(statement)


def test_a_table_that_was_changed_is_named_by_replay(hub: HubProcess, log: Callable[..., Any]) -> None:
    assert hub.stop() == 0
    change(hub.storage, "UPDATE locks SET agent_id = 'mallory' WHERE file_path = 'src/b.py'")
    replayed = log("replay")
    assert replayed.code == 1
    assert "locks" in replayed.out.splitlines()[0]
    assert "mallory" in replayed.out
    assert "differ from the log" in replayed.out


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'mallory' WHERE event_id = 5",
        "UPDATE events SET recorded_at = recorded_at + 1 WHERE event_id = 5",
        "DELETE FROM events WHERE event_id = 5",
    ],
)
def test_an_event_that_was_changed_is_named_by_verify(statement: str, hub: HubProcess, log: Callable[..., Any]) -> None:
    assert hub.stop() == 0
    change(hub.storage, statement)
    verified = log("verify", "--chain-only")
    assert verified.code == 1
    assert "event 5" in verified.out.splitlines()[0]


def test_output_that_nobody_reads_on_ends_quietly(arc: ArcCommand, hub: HubProcess, log: Callable[..., Any]) -> None:
    for number in range(100):
        hub.post("/v1/messages", {"from_agent": "ada", "body": f"{number}" * 2000})
    shown = arc.start("log", "show", "--limit", "500", "--json", "--storage", hub.storage)
    assert shown.stdout is not None
    assert shown.stderr is not None
    shown.stdout.readline()
    shown.stdout.close()
    assert shown.stderr.read() == ""
    shown.stderr.close()
    assert shown.wait(30) == 1


def test_ctrl_c_is_quiet(arc: ArcCommand, hub: HubProcess) -> None:
    poll = arc.start("poll", "--agent", "a", "--base-url", hub.url, "--timeout", "50")
    wait_until(lambda: hub.get("/v1/agents").result, what="the poll")
    poll.send_signal(signal.SIGINT)
    assert poll.communicate(timeout=60) == ("", "")
    assert poll.returncode == 130


@pytest.mark.parametrize("command", ["show", "replay", "verify"])
def test_a_storage_that_is_none_is_one_line(command: str, arc: ArcCommand) -> None:
    (arc.folder / "text.txt").write_text("some text\n" * 100)
    for storage, told in (
        ("nothing.sqlite3", "there is no storage at"),
        ("text.txt", "text.txt is not an Arc storage"),
    ):
        ended = arc("log", command, "--storage", storage)
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert told in ended.err
