"""The commands of `arc log` that look back: what they print."""

import json
import re
from pathlib import Path

import pytest

from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.events import SessionOpened
from arclog.sqlite.reads import read_now
from cli.main import main
from tests.support.command import Run
from tests.support.fake_time import FakeTime
from tests.support.recorders import events_in, recording
from tests.support.told import LAST, LOCKED, REFUSED, TASK

NOT_ONE = "no event of this log is like that; arc log show without options lists the newest"


def test_show_tells_one_event_in_full(run: Run) -> None:
    text = run("log", "show", LOCKED)
    assert f"event {LOCKED}: lock.acquired by ada" in text
    assert "came over: http" in text
    assert "made lock/src/a.py:" in text
    shown = json.loads(run("log", "show", TASK, "--json"))
    assert shown["event"]["event_id"] == TASK
    assert [change["entity"] for change in shown["changes"]] == [f"task/{TASK}", "thread/t", f"message/{TASK}"]
    assert "event 99 is not in this log" in run("log", "show", 99, code=1)


def test_show_says_so_when_no_event_is_as_asked(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(told)
    assert main(["log", "show", "--stream", "lock/none.py"]) == 0
    assert capsys.readouterr() == ("", f"{NOT_ONE}\n")


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
    assert f"--type {wanted!r} is not a type of event (lock. is all of lock); the types are " in said
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


def test_stats_count_every_event(run: Run) -> None:
    assert run("log", "stats").startswith(f"{LAST} events, the last is event {LAST}")
    assert json.loads(run("log", "stats", "--json"))["events"] == LAST
