"""The commands of `arc log` that look back, prove and copy: what they print."""

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.deciders.tasks import CompleteTask
from arclog.events import SessionOpened
from arclog.present import read_now
from tests.support.arc_command import ArcCommand
from tests.support.command import Run, running
from tests.support.fake_time import FakeTime
from tests.support.recorders import events_in, recording
from tests.support.served_hub import ServedHub, served_hub
from tests.support.tampering import flip_bit, tampering

STORY = (
    OpenSession(agent_id="ada", capabilities=["code"]),
    AcquireLock(agent_id="ada", file_path="src/a.py"),
    AcquireLock(agent_id="bob", file_path="src/a.py"),
    PostMessage(from_agent="ada", body="do\x1b[31m it", kind="task", thread_id="t"),
    PostMessage(from_agent="bob", to_agent="ada", body="for you"),
    AcquireClaim(owner_agent_id="bob", claim_key="k", thread_id="t"),
    ReleaseLock(agent_id="ada", file_path="src/a.py"),
    CompleteTask(task_id=6, agent_id="bob"),
)
LOCKED, REFUSED, TASK, LAST = 4, 5, 6, 10


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the storage of a short story."""
    folder = tmp_path_factory.mktemp("told")
    time = FakeTime()
    with recording(folder / "arc.sqlite3", time, presence_ttl=10**15) as recorder:
        for command in STORY:
            time.pass_sec(1)
            recorder.execute(command, "http")
    return folder


@pytest.fixture
def run(told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the folder of the story, and return what it printed."""
    monkeypatch.chdir(told)
    return running(capsys)


@pytest.fixture
def damaged(told: Path, tmp_path: Path) -> Path:
    """The same storage with one event changed."""
    with (
        closing(sqlite3.connect(told / "arc.sqlite3")) as source,
        closing(sqlite3.connect(tmp_path / "damaged.sqlite3")) as copy,
    ):
        source.backup(copy)
    with tampering(tmp_path / "damaged.sqlite3") as connection:
        flip_bit(connection, TASK, "data", 200)
    return tmp_path / "damaged.sqlite3"


# Looking back --------------------------------------------------------------------------------------------------------


def test_show_tells_one_event_in_full(run: Run) -> None:
    text = run("log", "show", LOCKED)
    assert f"event {LOCKED}: lock.acquired by ada" in text
    assert "came over: http" in text
    assert "made lock/src/a.py:" in text
    shown = json.loads(run("log", "show", TASK, "--json"))
    assert shown["event"]["event_id"] == TASK
    assert [change["entity"] for change in shown["changes"]] == [f"task/{TASK}", "thread/t", f"message/{TASK}"]
    assert "event 99 is not in this log" in run("log", "show", 99, code=1)


def test_show_says_which_event_is_not_what_was_recorded(run: Run, damaged: Path) -> None:
    assert f"event {TASK} is not what was recorded" in run("log", "show", "--storage", damaged, code=1)
    assert "DAMAGED" in run("log", "show", "--storage", damaged, code=1)
    assert f"event {TASK} is not what was recorded" in run("log", "show", TASK, "--storage", damaged, code=1)


def test_tail_prints_the_newest(run: Run) -> None:
    assert [json.loads(line)["event_id"] for line in run("log", "tail", "--limit", 2, "--json").splitlines()] == [9, 10]


def test_blame_tells_who_held_and_who_was_refused(run: Run) -> None:
    heading, columns, row = run("log", "blame", "lock/src/a.py").splitlines()
    assert heading == "lock/src/a.py: 3 events"
    assert columns.split()[:2] == ["event", "holder"]
    assert row.split()[:2] == [str(LOCKED), "ada"]
    assert "released (event 9)" in row
    assert f"bob (event {REFUSED})" in row
    (life,) = json.loads(run("log", "blame", "lock/src/a.py", "--json"))
    assert life["tenures"][0]["refused"][0]["agent_id"] == "bob"
    assert "1 event" in run("log", "blame", "session/ada")
    assert "ada" in run("log", "blame", "inbox/")
    assert "streams are named like" in run("log", "blame", "src/b.py", code=1)


def test_diff_tells_what_changed_and_what_was_said(run: Run) -> None:
    text = run("log", "diff", REFUSED, LAST)
    assert text.startswith(f"from event {REFUSED} (")
    assert "locks\n  src/a.py by 9" in text
    assert "released_at: null -> " in text
    assert f"{TASK} made by {TASK}, {LAST}" in text
    assert "bob -> ada: for you" in text
    assert "\x1b" not in text
    found = json.loads(run("log", "diff", REFUSED, "--json"))
    assert (found["after"], found["until"], found["message_count"]) == (REFUSED, LAST, 2)
    assert json.loads(run("log", "diff", "--since-agent", "ada", "--json"))["after"] == 9
    assert json.loads(run("log", "diff", "2027-01-15T08:00:03Z", "--json"))["after"] == REFUSED


def test_diff_names_no_event_that_changed_nothing(run: Run) -> None:
    assert f"src/a.py made by {LOCKED}\n" in run("log", "diff", LOCKED - 1, TASK)


def test_what_has_ended_is_told_as_it_was(run: Run, tmp_path: Path) -> None:
    with recording(tmp_path / "ended.sqlite3") as recorder:
        recorder.execute(OpenSession(agent_id="ada"))
        opened = recorder.last_event_id
        (session,) = [event.data for event in events_in(tmp_path / "ended.sqlite3") if event.event_id == opened]
        assert isinstance(session, SessionOpened)
        recorder.execute(CloseSession(session_id=session.session_id))
    told = run("log", "diff", opened, "--storage", tmp_path / "ended.sqlite3")
    assert f"ada ended by {opened + 1}; it was\n" in told
    shown = run("log", "show", opened + 1, "--storage", tmp_path / "ended.sqlite3")
    assert "ended session/ada, it was:\n" in shown


def test_there_is_no_time_before_the_first_event(run: Run) -> None:
    assert run("log", "diff", 0, 3).startswith("from event 0 (before the first event) to event 3 (2027-")
    assert run("log", "seen", "ada", "--at", 0).startswith("ada at event 0 (before the first event)")


def test_leases_are_judged_by_the_time_of_the_moment_and_without_one_by_now(
    run: Run, told: Path, tmp_path: Path
) -> None:
    time = FakeTime()
    with recording(tmp_path / "lapsed.sqlite3", time) as recorder:
        recorder.execute(AcquireLock(agent_id="ada", file_path="a.py", ttl_sec=5))
        last = recorder.last_event_id
    shown = run("log", "seen", "ada", "--at", last, "--storage", tmp_path / "lapsed.sqlite3")
    assert "active locks: 1" in shown
    time.pass_sec(60)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cli.log.seen.read_now", lambda connection: read_now(connection, time))
        shown = run("log", "seen", "ada", "--storage", tmp_path / "lapsed.sqlite3")
    assert shown.startswith("ada now (2027-01-15T08:01:")
    assert "active locks: 0" in shown


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("lock/src", "lock/src/"),
        ("src/a.py", "lock/src/a.py"),
        ("src", "lock/src/"),
        ("k", "claim/k"),
        (TASK, f"task/{TASK}"),
    ],
)
def test_blame_names_the_stream_that_may_be_meant(asked: object, meant: str, run: Run) -> None:
    assert f"has no events; did you mean {meant}?" in run("log", "blame", asked, code=1)


@pytest.mark.parametrize("command", ["show", "tail"])
@pytest.mark.parametrize("wanted", ["lock", "nosuch.type"])
def test_a_type_that_no_event_has_is_refused(command: str, wanted: str, run: Run) -> None:
    said = run("log", command, "--type", wanted, code=2)
    assert f"--type {wanted!r} is no type of events; there are " in said
    assert "lock.acquired" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", 10**20),
        ("show", "--limit", 10**20),
        ("tail", "--limit", 10**20),
        ("seen", "ada", "--limit", 10**20),
        ("seen", "ada", "--at", 10**20),
        ("diff", 10**20),
        ("fork", 10**20, "--storage", "new"),
        ("export", "--from", 10**20),
    ],
)
def test_a_number_that_is_too_big_is_told_so(arguments: tuple[object, ...], run: Run) -> None:
    assert f"must be at most 9007199254740991, not {10**20}" in run("log", *arguments, code=2)


def test_the_biggest_numbers_that_are_allowed_do_no_harm(run: Run) -> None:
    most = 2**53 - 1
    assert "is not in this log" in run("log", "show", most, code=1)
    for command in (["show"], ["tail"], ["seen", "ada"]):
        assert "for you" in run("log", *command, "--limit", most)


@pytest.mark.parametrize("option", ["--limit", "--type", "--stream", "--actor"])
def test_one_event_is_not_narrowed_further(option: str, run: Run) -> None:
    value = {"--limit": "5", "--type": "lock."}.get(option, "x")
    assert "is one event: leave out" in run("log", "show", LOCKED, option, value, code=2)


def test_diff_needs_two_moments_in_order(run: Run) -> None:
    assert "name two moments" in run("log", "diff", code=2)
    assert "name two moments" in run("log", "diff", 1, "--since-agent", "ada", code=2)
    assert "comes after" in run("log", "diff", 8, 3, code=2)
    assert "must be from 0 to 10" in run("log", "diff", 1, 99, code=1)
    assert "argument A: must be an event id or a time" in run("log", "diff", "x", code=2)


def test_seen_tells_what_an_agent_could_see(run: Run) -> None:
    text = run("log", "seen", "ada", "--at", 8)
    assert text.startswith("ada at event 8 (")
    assert "agents there: ada" in text
    assert "for you" in text
    assert "active locks: 1" in text
    assert "open tasks: 1" in text
    assert "bob at event 2" in run("log", "seen", "bob", "--at", 2)
    assert "had no live session; had done nothing yet" in run("log", "seen", "bob", "--at", 2)
    assert "had no live session; last did something at 2027-01-15T08:00:03" in run(
        "log", "seen", "bob", "--at", REFUSED
    )
    assert "never did anything in this log" in run("log", "seen", "nobody", code=1)
    sight = json.loads(run("log", "seen", "ada", "--at", "2027-01-15T08:00:02Z", "--json"))
    assert (sight["event_id"], sight["inbox"], len(sight["locks"])) == (LOCKED, [], 1)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(("diff", LAST + 1), "A"), (("diff", 1, LAST + 1), "B"), (("seen", "ada", "--at", LAST + 1), "--at")],
)
def test_a_moment_beyond_the_log_is_called_as_it_was_given(run: Run, arguments: tuple[object, ...], name: str) -> None:
    said = run("log", *arguments, code=1)
    assert f"{name} must be from 0 to {LAST}, the last event there is, not {LAST + 1}" in said
    assert "as_of" not in said


def test_times_are_shown_as_times(run: Run) -> None:
    expires = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    assert re.search(rf"\+ expires_at: {expires}\n", run("log", "show", LOCKED))
    assert re.search(rf'"expires_at":"{expires}"', run("log", "show", "--type", "lock.acquired"))


@pytest.mark.parametrize("file", ["-", "part.jsonl"])
def test_a_part_behind_the_newest_event_is_empty_and_says_so(told: Path, file: str, tmp_path: Path) -> None:
    arc = ArcCommand(tmp_path)
    ended = arc("log", "export", file, "--from", LAST + 1, "--storage", told / "arc.sqlite3")
    assert ended.code == 0
    assert ended.err == f"the export is empty: there are no events behind event {LAST} yet\n"


def test_a_part_that_is_not_there_is_refused(run: Run) -> None:
    assert f"event {LAST + 2} is beyond event {LAST}" in run("log", "export", "--from", LAST + 2, code=1)
    assert f"event {LAST + 1} is beyond event {LAST}" in run("log", "export", "--to", LAST + 1, code=1)
    assert "event 9 comes after event 7" in run("log", "export", "--from", 9, "--to", 7, code=2)


def test_stats_count_every_event(run: Run) -> None:
    assert run("log", "stats").startswith(f"{LAST} events, the last is event {LAST}")
    assert json.loads(run("log", "stats", "--json"))["events"] == LAST


@pytest.mark.parametrize(
    "command", ["show", "show 4", "tail", "blame lock/", "diff 1", "seen ada", "stats", "verify", "replay", "export"]
)
def test_nothing_is_left_beside_the_file_of_a_stopped_hub(command: str, run: Run, told: Path) -> None:
    run("log", *command.split())
    assert [file.name for file in told.iterdir()] == ["arc.sqlite3"]


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
    assert tables_of(tmp_path / "tables.sqlite3") == tables_of(told / "arc.sqlite3")
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


@pytest.mark.parametrize("command", ["blame x", "diff 1", "seen a", "stats", "tail", "export", "backup b", "replay"])
def test_a_storage_that_is_not_there_is_one_line(command: str, run: Run, tmp_path: Path) -> None:
    told = run("log", *command.split(), "--storage", tmp_path / "nothing", code=1)
    assert "there is no storage at" in told
    assert len(told.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# Beside a hub that runs ----------------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(tmp_path) as served:
        yield served


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
