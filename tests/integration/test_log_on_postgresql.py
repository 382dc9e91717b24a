"""A log on PostgreSQL, beyond the contract: who may do what, which server is fit, and what becomes of a batch."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arclog.codec import StoredEvent
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.digest import GENESIS
from arclog.errors import InvalidInput, LockLost, LogAway, LogReplaced, StorageBusy, StorageError
from arclog.postgresql.address import read_address
from projections.hub.recorder import Recorder
from tests.support.chains import find_break
from tests.support.fake_time import FakeTime
from tests.support.lines import a_line
from tests.support.postgresql import HUB, Server
from tests.support.postgresql_recorders import database_of, engine_at, log_at, recorder_on, said
from tests.support.recorders import contents, events_in, post, reading, recording
from tests.support.waiting import wait_until

pytestmark = pytest.mark.outer


@pytest.fixture
def recorder(log_url: str, tmp_path: Path) -> Iterator[Recorder]:
    with recorder_on(log_url, tmp_path / "a.sqlite3") as recorder:
        yield recorder


@pytest.fixture
def other(log_url: str, tmp_path: Path, recorder: Recorder) -> Iterator[Recorder]:
    with recorder_on(log_url, tmp_path / "b.sqlite3") as other:
        yield other


# Who may do what -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE arc.events SET actor = 'x'",
        "DELETE FROM arc.events",
        "TRUNCATE arc.events",
        "DROP TABLE arc.events",
        "DROP SCHEMA arc CASCADE",
        "UPDATE arc.log SET log_id = 'x'",
        "INSERT INTO arc.log (only_one, log_id, origin, format) VALUES (true, 'x', 'x', 1)",
        "ALTER TABLE arc.events DISABLE TRIGGER ALL",
        "CREATE TABLE arc.mine (a int)",
    ],
)
def test_a_hubs_role_may_read_and_append_and_nothing_else(log_url: str, recorder: Recorder, statement: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    recorder.execute(post())
    with psycopg.connect(log_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
        assert connection.execute("SELECT count(*) FROM arc.events").fetchone() == (3,)


@pytest.mark.parametrize(
    "statement", ["UPDATE arc.events SET actor = 'x'", "DELETE FROM arc.events", "TRUNCATE arc.events"]
)
def test_even_the_owner_changes_no_event_by_mistake(
    server: Server, log_url: str, recorder: Recorder, statement: str
) -> None:
    psycopg = pytest.importorskip("psycopg")
    recorder.execute(post())
    with (
        psycopg.connect(server.url(database=database_of(log_url)), autocommit=True) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="immutable"),
    ):
        connection.execute(statement)


def test_a_log_is_made_once_however_often_and_by_however_many(server: Server) -> None:
    from arclog.postgresql.opening import make_log

    server.sql("postgres", "CREATE DATABASE made_once TEMPLATE template0 ENCODING 'UTF8'")
    made: list[Any] = []
    makers = [
        threading.Thread(target=lambda: made.append(make_log(server.url(database="made_once"), HUB))) for _ in range(4)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(made) == 4
    assert len({name.log_id for name, _where in made}) == 1


# Which server is fit -------------------------------------------------------------------------------------------------


def test_a_server_that_answers_before_anything_is_on_disk_is_refused(server: Server, log_url: str) -> None:
    server.sql("postgres", f"ALTER ROLE {HUB} SET synchronous_commit = off")
    try:
        with pytest.raises(StorageError, match="synchronous_commit is off"):
            engine_at(log_url).identify()
    finally:
        server.sql("postgres", f"ALTER ROLE {HUB} RESET synchronous_commit")


def test_a_server_that_flushes_nothing_is_refused(server: Server, log_url: str) -> None:
    server.sql("postgres", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    try:
        wait_until(lambda: server.sql("postgres", "SHOW fsync") == ["off"], what="the server to follow")
        with pytest.raises(StorageError, match="fsync is off"):
            engine_at(log_url).identify()
    finally:
        server.sql("postgres", "ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()")
        wait_until(lambda: server.sql("postgres", "SHOW fsync") == ["on"], what="the server to follow")


def test_a_pooler_in_between_is_recognised_and_refused(server: Server, log_url: str) -> None:
    with a_line(server.port, is_pooler=True) as line, pytest.raises(StorageError, match="pooler"):
        engine_at(log_url.replace(str(server.port), str(line.port))).identify()


def test_a_time_out_that_the_role_has_cancels_nothing(
    server: Server, log_url: str, tmp_path: Path, recorder: Recorder
) -> None:
    server.sql("postgres", f"ALTER ROLE {HUB} SET statement_timeout = '300ms'")
    try:
        with recorder_on(log_url, tmp_path / "other.sqlite3") as other:
            assert recorder.take_lock() is None
            release = threading.Timer(0.6, recorder.transact, [[]])
            release.start()
            assert other.execute(post()).created
            release.join()
    finally:
        server.sql("postgres", f"ALTER ROLE {HUB} RESET statement_timeout")


def test_a_log_that_is_not_there_is_named_with_what_to_do(server: Server) -> None:
    server.sql("postgres", "CREATE DATABASE nothing TEMPLATE template0 ENCODING 'UTF8'")
    with pytest.raises(StorageError, match="there is no log at") as failed:
        engine_at(server.url(HUB, "nothing")).identify()
    assert failed.value.advice == "create_log"


@pytest.mark.parametrize("url", ["postgresql://u:p@h/d", "postgresql://h/d?password=p", "mysql://h/d", "sqlite.db"])
def test_an_address_that_holds_a_password_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        read_address(url)


# Hubs in turns -------------------------------------------------------------------------------------------------------


def test_hubs_in_turns_form_one_log_and_have_the_same_tables(
    log_url: str, tmp_path: Path, recorder: Recorder, other: Recorder
) -> None:
    for number in range(10):
        (recorder, other)[number % 2].execute(post(f"agent-{number}", thread_id="t"))
    other.execute(AcquireLock(agent_id="a", file_path="p"))
    assert recorder.execute(AcquireLock(agent_id="b", file_path="p")).acquired is False
    other.transact([])
    log = log_at(log_url)
    assert find_break(GENESIS, log) is None
    with reading(tmp_path / "a.sqlite3") as here, reading(tmp_path / "b.sqlite3") as there:
        assert contents(here) == contents(there)
    assert [event.event_id for event in events_in(tmp_path / "a.sqlite3")] == list(range(1, len(log) + 1))


def test_a_hub_that_was_away_for_long_reads_what_it_missed_without_the_lock(
    log_url: str, tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arclog.postgresql.engine.MOST_MISSING", 5)
    with recorder_on(log_url, tmp_path / "b.sqlite3") as late:
        for number in range(30):
            recorder.execute(post(body=str(number)))
        assert late.execute(post(body="late")).event_id == 33
    with reading(tmp_path / "a.sqlite3") as here, reading(tmp_path / "b.sqlite3") as there:
        recorder.transact([])
        assert contents(here) == contents(there)


def test_a_hub_that_starts_again_makes_no_table_anew_but_goes_on(
    log_url: str, tmp_path: Path, recorder: Recorder
) -> None:
    with recorder_on(log_url, tmp_path / "b.sqlite3"):
        pass
    for number in range(30):
        recorder.execute(post(body=str(number)))
    again = Recorder(
        tmp_path / "b.sqlite3",
        recorder.engine.clock,
        recorder._context.limits,
        1,
        HubState(hub_id="b"),
        engine_at(log_url),
    )
    assert again.start(lambda _done, _all: None) == ()
    again.stop()
    with reading(tmp_path / "a.sqlite3") as here, reading(tmp_path / "b.sqlite3") as there:
        assert contents(here) == contents(there)


def test_a_copy_is_one_hubs_alone(log_url: str, tmp_path: Path, recorder: Recorder) -> None:
    recorder.execute(post(body="one"))
    with recorder_on(log_url, tmp_path / "a.sqlite3") as second:
        second.execute(post(body="two"))
        with pytest.raises(StorageError, match="another hub uses"):
            recorder.execute(post(body="three"))
    assert said(log_url) == ["one", "two"]


# One clock -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1, 24 * 3650])
def test_a_lease_lasts_its_time_on_every_machine_whatever_their_wall_clocks_say(
    log_url: str, tmp_path: Path, hours: int
) -> None:
    now = time.time_ns() // 1000
    here, there = FakeTime(now + hours * 3_600_000_000), FakeTime(now - hours * 3_600_000_000, boot="other")
    with (
        recording(tmp_path / "a.sqlite3", hub=HubState(hub_id="a"), remote=engine_at(log_url, here)) as one,
        recording(tmp_path / "b.sqlite3", hub=HubState(hub_id="b"), remote=engine_at(log_url, there)) as two,
    ):
        assert one.execute(AcquireLock(agent_id="a", file_path="p", ttl_sec=5)).acquired
        assert two.execute(AcquireLock(agent_id="b", file_path="p", ttl_sec=5)).acquired is False
        granted = events_in(tmp_path / "a.sqlite3")[2]
        assert abs(granted.recorded_at - now) < 60_000_000
        until = granted.recorded_at + 5_000_000
        wait_until(lambda: time.time_ns() // 1000 > until, what="the lease's end")
        assert two.execute(AcquireLock(agent_id="b", file_path="p", ttl_sec=5)).acquired


def test_an_answer_that_was_long_on_its_way_moves_no_clock(log_url: str, recorder: Recorder, other: Recorder) -> None:
    recorder.execute(post())
    before = recorder._clock.offset
    other.take_lock()
    waits = threading.Thread(target=recorder.execute, args=[post()])
    waits.start()
    time.sleep(0.5)  # what the answer takes, not what the test waits for
    other.transact([])
    waits.join()
    assert abs(recorder._clock.offset - before) < 200_000


# The lock ------------------------------------------------------------------------------------------------------------


def test_a_hub_that_stalls_with_the_lock_loses_it_and_judges_its_batch_anew(
    log_url: str, tmp_path: Path, recorder: Recorder
) -> None:
    with recorder_on(log_url, tmp_path / "slow.sqlite3", stall_sec=0.5) as slow:
        assert slow.take_lock() is None
        began_at = time.monotonic()
        assert recorder.execute(AcquireLock(agent_id="b", file_path="p")).acquired
        assert time.monotonic() - began_at < 0.5 + 0.5
        assert slow.execute(AcquireLock(agent_id="a", file_path="p")).acquired is False


def test_who_waits_too_long_for_the_lock_is_told(log_url: str, tmp_path: Path, recorder: Recorder) -> None:
    with recorder_on(log_url, tmp_path / "b.sqlite3", lock_sec=0.2) as hasty:
        assert recorder.take_lock() is None
        with pytest.raises(StorageBusy):
            hasty.execute(post())
        recorder.transact([])
        assert hasty.execute(post()).created


def test_a_batch_whose_session_was_ended_for_idling_is_not_there(log_url: str) -> None:
    engine = engine_at(log_url, stall_sec=0.1)
    try:
        engine.identify()
        engine.hold(0, GENESIS, wait=True)
        time.sleep(0.4)  # what the hub stalls for
        with pytest.raises(LockLost):
            engine.append([StoredEvent(1, 1, "t", "s", "a", b"", b"", bytes(32))])
        assert log_at(log_url) == []
    finally:
        engine.close()


# The log is another one ----------------------------------------------------------------------------------------------


def as_it_was(server: Server, url: str, event_id: int) -> None:
    """Take a log back to how it was after an event, as a restored backup is."""
    server.sql(
        database_of(url),
        "ALTER TABLE arc.events DISABLE TRIGGER ALL",
        f"DELETE FROM arc.events WHERE event_id > {event_id}",  # noqa: S608 - a number of the test's own
        "ALTER TABLE arc.events ENABLE TRIGGER ALL",
    )


def test_a_log_that_was_restored_to_an_older_state_is_noticed_before_anything_is_acknowledged(
    server: Server, log_url: str, recorder: Recorder
) -> None:
    recorder.execute(post(body="one"))
    recorder.execute(post(body="two"))
    as_it_was(server, log_url, 3)
    for _ in range(2):
        with pytest.raises(LogReplaced, match="restored or replaced"):
            recorder.execute(post(body="three"))
    assert said(log_url) == ["one"]


def test_a_log_that_was_made_anew_is_noticed_though_it_is_empty(server: Server, log_url: str, tmp_path: Path) -> None:
    from arclog.postgresql.opening import make_log

    with recorder_on(log_url, tmp_path / "a.sqlite3") as recorder:
        recorder.execute(post())
        server.sql(database_of(log_url), "DROP SCHEMA arc CASCADE")
        make_log(server.url(database=database_of(log_url)), HUB)
        with pytest.raises(StorageError):
            recorder.execute(post())
    with pytest.raises(StorageError, match="copy of another log"), recorder_on(log_url, tmp_path / "a.sqlite3"):
        pass
    assert log_at(log_url) == []


# The line ------------------------------------------------------------------------------------------------------------


def test_a_line_that_is_cut_without_a_word_is_known_to_be_dead_in_seconds(
    server: Server, log_url: str, tmp_path: Path
) -> None:
    with (
        a_line(server.port) as line,
        recorder_on(log_url.replace(str(server.port), str(line.port)), tmp_path / "a.sqlite3") as recorder,
    ):
        recorder.execute(post(body="before"))
        line.cut()
        began_at = time.monotonic()
        with pytest.raises(LogAway):
            recorder.execute(post(body="meanwhile"))
        assert time.monotonic() - began_at < 12
        line.mend()
        recorder.execute(post(body="after"))
    assert said(log_url) == ["before", "after"]
