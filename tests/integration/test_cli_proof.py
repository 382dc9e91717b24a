"""The commands of `arc log` that prove and copy: what they print; and that no command leaves or disturbs anything."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.support.arc_command import ArcCommand
from tests.support.command import Run
from tests.support.served_hub import ServedHub
from tests.support.tampering import tampering
from tests.support.told import LAST, LOCKED, REFUSED, TASK

# Proving -------------------------------------------------------------------------------------------------------------


def test_verify_has_a_line_for_each_finding_and_an_exit_code(run: Run, told: Path, damaged: Path) -> None:
    whole = run("log", "verify").splitlines()
    assert len(whole) == 2
    assert "the chain is whole up to event 10" in whole[0]
    assert whole[1].endswith("the tables follow from the log, row by row")
    broken = run("log", "verify", "--storage", damaged, code=1).splitlines()
    assert broken[0].startswith(f"event {TASK} is not what was recorded")
    assert "the chain is broken" in broken[1]
    report = json.loads(run("log", "verify", "--storage", damaged, "--json", code=1))
    assert [(finding["problem"], finding["event_id"]) for finding in report["findings"]] == [("changed", TASK)]
    assert "only the chain was asked for" in run("log", "verify", "--chain-only")


def test_a_changed_table_is_told_in_one_line(run: Run, told: Path, tmp_path: Path) -> None:
    run("log", "backup", tmp_path / "copy.sqlite3")
    with tampering(tmp_path / "copy.sqlite3") as connection:
        connection.execute("UPDATE locks SET agent_id = 'mallory' WHERE from_event = 9")
    told_so = run("log", "verify", "--storage", tmp_path / "copy.sqlite3", code=1).splitlines()[0]
    assert told_so == "table locks: agent_id in the row of event 9 is 'mallory', by the log 'ada'"
    assert "differ from the log" in run("log", "replay", "--storage", tmp_path / "copy.sqlite3", code=1)


def test_a_damaged_log_is_not_what_a_table_is_blamed_for(run: Run, damaged: Path, tmp_path: Path) -> None:
    replayed = run("log", "replay", "--storage", damaged, code=1)
    assert replayed.startswith(f"event {TASK} is not what was recorded")
    assert "the log is damaged" in replayed
    into = run("log", "replay", "--storage", damaged, "--into", tmp_path / "tables.sqlite3", code=1)
    assert into.startswith(f"event {TASK} is not what was recorded")
    assert f"the tables as of event {LAST}, of a damaged log" in into


def test_an_event_that_cannot_be_read_is_one_line_of_replay(run: Run, told: Path, tmp_path: Path) -> None:
    run("log", "backup", tmp_path / "copy.sqlite3")
    with tampering(tmp_path / "copy.sqlite3") as connection:
        connection.execute("UPDATE events SET data = x'c1' WHERE event_id = ?", (TASK,))
    assert "the tables cannot be made" in run("log", "replay", "--storage", tmp_path / "copy.sqlite3", code=1)


def test_a_file_that_was_cut_in_half_is_a_finding(run: Run, told: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.sqlite3"
    run("log", "backup", half)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    report = json.loads(run("log", "verify", half, "--json", code=1))
    assert [(finding["place"], finding["problem"]) for finding in report["findings"]] == [("file", "unreadable")]
    assert "the log cannot be read" in run("log", "verify", half, code=1)


def tables_of(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            name: connection.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2').fetchall()  # noqa: S608
            for name in names
            if name not in {"events", "idempotency_keys", "storage", "clock"}
        }


def test_replay_into_a_file_gives_the_same_tables(run: Run, told: Path, tmp_path: Path) -> None:
    run("log", "replay", "--into", tmp_path / "tables.sqlite3", "--check")
    made, live = tables_of(tmp_path / "tables.sqlite3"), tables_of(told / "arc.sqlite3")
    said = made.pop("messages")
    assert [name for name in made if name != "checkpoints" and made[name] != live[name]] == []
    assert {row[0] for row in said} == {row[0] for row in (*made["broadcasts"], *((row[1],) for row in made["inbox"]))}
    run("log", "replay", "--into", tmp_path / "early.sqlite3", "--to", LOCKED)
    early = tables_of(tmp_path / "early.sqlite3")
    assert (len(early["locks"]), early["tasks"], early["messages"]) == (1, [], [])
    assert "--to needs --into" in run("log", "replay", "--to", 3, code=2)
    assert "is beyond event 10" in run("log", "replay", "--into", tmp_path / "x", "--to", 11, code=1)
    assert "is there already" in run("log", "replay", "--into", tmp_path / "early.sqlite3", code=1)


# Copying -------------------------------------------------------------------------------------------------------------


def test_export_verify_import_and_export_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    first, second, storage = tmp_path / "1.jsonl", tmp_path / "2.jsonl", tmp_path / "new.sqlite3"
    assert f"{LAST} events, SHA-256 " in run("log", "export", first)
    assert "the export is whole: events 1 to 10" in run("log", "verify", first)
    assert f"{LAST} events from" in run("log", "import", first, "--storage", storage)
    run("log", "export", second, "--storage", storage)
    assert first.read_bytes() == second.read_bytes()
    run("log", "verify", "--storage", storage)
    first.write_bytes(first.read_bytes().replace(b"lock.refused", b"lock.recused", 1))
    assert run("log", "verify", first, code=1).startswith(f"event {REFUSED} is not what was recorded")
    report = json.loads(run("log", "verify", first, "--json", code=1))
    assert report["findings"][0]["event_id"] == REFUSED
    assert "is not what was written" in run("log", "import", first, "--storage", tmp_path / "other.sqlite3", code=1)


def test_a_part_goes_to_the_standard_output(told: Path) -> None:
    ended = ArcCommand(told)("log", "export", "--from", 4, "--to", 5)
    header, *events, footer = ended.lines
    assert (header["after"], header["last"], footer["events"]) == (3, 5, 2)
    assert [event["type"] for event in events] == ["lock.acquired", "lock.refused"]


def test_backup_restore_and_fork_make_storages(run: Run, tmp_path: Path) -> None:
    backup, restored, forked = (tmp_path / name for name in ("b.sqlite3", "r.sqlite3", "f.sqlite3"))
    assert "a backup up to event 10, its chain is whole" in run("log", "backup", backup)
    assert "its instance id is now" in run("log", "restore", backup, "--storage", restored)
    assert "4 events, the last is event 4" in run("log", "fork", 4, "--storage", forked)
    for storage in (backup, restored, forked):
        run("log", "verify", "--storage", storage)
    assert "the chain is whole" in run("log", "verify", backup)
    for command in (["backup", backup], ["restore", backup, "--storage", restored], ["fork", 4, "--storage", forked]):
        assert "is there already" in run("log", *command, code=1)


@pytest.mark.parametrize("command", ["verify", "replay", "replay --check --into"])
def test_a_storage_is_opened_once_to_be_verified_and_replayed(
    command: str, run: Run, told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    hooks = [*apsw.connection_hooks, lambda connection: opened.append(connection.filename)]
    monkeypatch.setattr(apsw, "connection_hooks", hooks)
    run("log", *command.split(), *([tmp_path / "tables.sqlite3"] if "--into" in command else []))
    assert opened.count(str(told / "arc.sqlite3")) == 1


@pytest.mark.parametrize("command", ["blame x", "diff 1", "seen a", "stats", "tail", "export", "backup b", "replay"])
def test_a_storage_that_is_not_there_is_one_line(command: str, run: Run, tmp_path: Path) -> None:
    told = run("log", *command.split(), "--storage", tmp_path / "nothing", code=1)
    assert "there is no storage at" in told
    assert len(told.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["-", "part.jsonl"])
def test_a_part_behind_the_newest_event_is_empty_and_says_so(told: Path, file: str, tmp_path: Path) -> None:
    arc = ArcCommand(tmp_path)
    ended = arc("log", "export", file, "--from", LAST + 1, "--storage", told / "arc.sqlite3")
    assert ended.code == 0
    assert ended.err == f"the export is empty: there are no events after event {LAST} yet\n"


def test_a_part_that_is_not_there_is_refused(run: Run) -> None:
    assert f"event {LAST + 2} is beyond event {LAST}" in run("log", "export", "--from", LAST + 2, code=1)
    assert f"event {LAST + 1} is beyond event {LAST}" in run("log", "export", "--to", LAST + 1, code=1)
    assert "event 9 comes after event 7" in run("log", "export", "--from", 9, "--to", 7, code=2)


# Beside the file of a stopped hub, and beside a hub that runs --------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["show", "show 4", "tail", "blame lock/", "diff 1", "seen ada", "stats", "verify", "replay", "export"]
)
def test_nothing_is_left_beside_the_file_of_a_stopped_hub(command: str, run: Run, told: Path) -> None:
    run("log", *command.split())
    assert [file.name for file in told.iterdir()] == ["arc.sqlite3"]


def test_tail_follows_what_is_recorded(hub: ServedHub, tmp_path: Path) -> None:
    process = ArcCommand(tmp_path).start("log", "tail", "-f", "--type", "lock.", "--json")
    try:
        out = process.stdout
        assert out is not None
        for number in range(3):
            hub.say("not a lock")
            hub.post("/v1/locks", {"agent_id": "ada", "file_path": f"{number}.py"})
            assert json.loads(out.readline())["stream"] == f"lock/{number}.py"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_the_hub_is_neither_held_up_nor_disturbed(hub: ServedHub, tmp_path: Path) -> None:
    for number in range(50):
        hub.say(f"message {number}")
    arc = ArcCommand(tmp_path)
    processes: list[subprocess.Popen[str]] = [
        arc.start("log", *command.split())
        for command in ("verify", "replay", "stats", "export", "backup b.sqlite3", "diff 1", "seen teller")
    ]
    said = [hub.say(f"meanwhile {number}") for number in range(30)]
    for process in processes:
        _out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert said == sorted(said)
