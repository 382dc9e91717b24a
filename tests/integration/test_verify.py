"""Verification: whatever is done to a log, it is found, and the event is named."""

import random
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import apsw
import pytest

from arclog.deciders.hub import StopHub
from arclog.digest import digest_of
from arclog.progress import no_progress
from arclog.proof.diagnosis import diagnose
from arclog.proof.findings import Finding
from arclog.proof.verify import Segment, check_segment, verify_chain
from arclog.sqlite.reads import find_end_before, read_raw
from arclog.sqlite.schema import open_storage
from projections.hub.writing_side import NOTED_EVERY
from projections.rebuilding.verification import verify_storage
from tests.support.recorders import post, recording
from tests.support.tampering import COLUMNS, bits_of, build_storage, flip_bit, tampering, undone

EVENTS = 1000


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_storage(tmp_path_factory.mktemp("verify") / "arc.sqlite3", EVENTS)


@pytest.fixture
def storage(original: Path, tmp_path: Path) -> Path:
    return Path(copyfile(original, tmp_path / "arc.sqlite3"))


@pytest.fixture
def connection(storage: Path) -> Iterator[apsw.Connection]:
    with tampering(storage) as connection:
        yield connection


def found(connection: apsw.Connection) -> list[Finding]:
    """What verification says of the log as `connection` has left it."""
    checked = check_segment(connection, Segment("", 0, 2**63 - 1))
    assert not checked.gaps
    return diagnose(connection, checked.breaks)


def problems(connection: apsw.Connection) -> list[tuple[str, int | None]]:
    return [(finding.problem, finding.event_id) for finding in found(connection)]


def move(connection: apsw.Connection, event_id: int, by: int) -> None:
    """Give an event, and all after it, other numbers."""
    order = "DESC" if by > 0 else "ASC"
    query = f"SELECT event_id FROM events WHERE event_id >= ? ORDER BY event_id {order}"  # noqa: S608
    for (place,) in connection.execute(query, (event_id,)).fetchall():
        connection.execute("UPDATE events SET event_id = event_id + ? WHERE event_id = ?", (by, place))


def put_in(connection: apsw.Connection, event_id: int) -> None:
    connection.execute(
        "INSERT INTO events SELECT ?, recorded_at, type, stream, 'mallory', data, metadata, digest FROM events LIMIT 1",
        (event_id,),
    )


def swap(connection: apsw.Connection, one: int, other: int, columns: tuple[str, ...]) -> None:
    query = f"SELECT {', '.join(columns)} FROM events WHERE event_id = ?"  # noqa: S608
    rows = {place: next(connection.execute(query, (place,))) for place in (one, other)}
    for place, row in ((one, rows[other]), (other, rows[one])):
        assignments = ", ".join(f"{column} = ?" for column in columns)
        connection.execute(f"UPDATE events SET {assignments} WHERE event_id = ?", (*row, place))  # noqa: S608


def check_flip(connection: apsw.Connection, event_id: int, column: str, bit: int) -> None:
    with undone(connection):
        if not flip_bit(connection, event_id, column, bit):
            return
        findings = found(connection)
        told = [(finding.event_id, finding.problem) for finding in findings]
        assert len(told) == 1, f"bit {bit} of {column} of event {event_id}: {findings}"
        assert told[0][0] == event_id, f"bit {bit} of {column} of event {event_id}: {findings}"


# Whole logs ----------------------------------------------------------------------------------------------------------


def test_a_whole_log_has_no_findings(original: Path) -> None:
    report = verify_chain(original)
    assert report.findings == ()
    assert (report.events, report.head) == (EVENTS, EVENTS)
    whole = verify_storage(original, False, no_progress, no_progress)
    assert whole.findings == ()
    assert whole.compared


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    open_storage(tmp_path / "arc.sqlite3").close()
    assert verify_chain(tmp_path / "arc.sqlite3").findings == ()
    report = verify_storage(tmp_path / "arc.sqlite3", False, no_progress, no_progress)
    assert report.findings == ()
    assert not report.compared


def test_segments_in_several_processes_say_what_one_walk_says(storage: Path) -> None:
    with tampering(storage) as connection:
        for event_id in (100, 101, 500, 999):
            flip_bit(connection, event_id, "data", 3)
        connection.execute("DELETE FROM events WHERE event_id = 301")
    alone = verify_chain(storage, processes=1)
    reached: list[int] = []
    together = verify_chain(storage, lambda at, _last: reached.append(at), processes=2, segment=100)
    assert together == alone
    assert [finding.event_id for finding in alone.findings] == [100, 101, 301, 500, 999]
    assert reached == sorted(reached)
    assert (len(reached), reached[-1]) == (10, EVENTS)


# Single bits ---------------------------------------------------------------------------------------------------------


def test_single_bits_are_found_wherever_they_turn(connection: apsw.Connection) -> None:
    chance = random.Random(4)  # noqa: S311
    for column in COLUMNS:
        for event_id in (1, EVENTS, *chance.sample(range(2, EVENTS), 18)):
            check_flip(connection, event_id, column, chance.randrange(bits_of(connection, event_id, column)))


# Events that are not where they were ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event_id", [1, 2, 500, EVENTS - 1])
def test_a_removed_event_is_named(connection: apsw.Connection, event_id: int) -> None:
    connection.execute("DELETE FROM events WHERE event_id = ?", (event_id,))
    assert problems(connection) == [("removed", event_id)]


def test_several_removed_events_are_one_finding(connection: apsw.Connection) -> None:
    connection.execute("DELETE FROM events WHERE event_id BETWEEN 40 AND 49")
    assert problems(connection) == [("removed", 40)]


@pytest.mark.parametrize("count", [1, 3])
def test_events_removed_with_all_others_moved_up_are_told_from_a_change(
    connection: apsw.Connection, count: int
) -> None:
    connection.execute("DELETE FROM events WHERE event_id >= 500 AND event_id < ?", (500 + count,))
    move(connection, 500 + count, -count)
    assert problems(connection) == [("removed", 500)]


@pytest.mark.parametrize("count", [1, 3])
def test_events_put_in_with_all_others_moved_down_are_told_from_a_change(
    connection: apsw.Connection, count: int
) -> None:
    move(connection, 500, count)
    for place in range(500, 500 + count):
        put_in(connection, place)
    assert problems(connection) == [("inserted", 500)]


def test_what_else_was_done_behind_a_renumbering_is_found_too(connection: apsw.Connection) -> None:
    move(connection, 500, 1)
    put_in(connection, 500)
    flip_bit(connection, 800, "data", 0)
    connection.execute("DELETE FROM events WHERE event_id = 900")
    assert problems(connection) == [("inserted", 500), ("changed", 800), ("removed", 900)]


def test_an_event_put_into_a_gap_is_told_from_a_change(connection: apsw.Connection) -> None:
    connection.execute("DELETE FROM events WHERE event_id > 990")
    put_in(connection, 995)
    assert problems(connection) == [("removed", 991)]  # at the end of a log, both are possible, and the text says so


def test_an_event_under_another_number_is_recognised(connection: apsw.Connection) -> None:
    connection.execute("UPDATE events SET event_id = 5000 WHERE event_id = 17")
    assert problems(connection) == [("renumbered", 17)]


def test_an_event_far_beyond_the_others_costs_no_time(storage: Path) -> None:
    with tampering(storage) as connection:
        connection.execute("UPDATE events SET event_id = ? WHERE event_id = 1000", (2**62,))
    report = verify_chain(storage)
    assert [(finding.problem, finding.event_id) for finding in report.findings] == [("renumbered", 1000)]


@pytest.mark.parametrize("columns", [COLUMNS[1:], COLUMNS[1:-1]], ids=["with their digests", "without"])
@pytest.mark.parametrize(("one", "other"), [(500, 501), (500, 700), (1, EVENTS)])
def test_two_events_that_changed_places_are_one_finding(
    connection: apsw.Connection, one: int, other: int, columns: tuple[str, ...]
) -> None:
    swap(connection, one, other, columns)
    assert problems(connection) == [("swapped", one)]


def test_an_event_replaced_together_with_its_digest_shows_in_the_next(connection: apsw.Connection) -> None:
    connection.execute("UPDATE events SET actor = 'mallory' WHERE event_id = 500")
    (row,) = read_raw(connection, 499, 500)
    forged = digest_of(find_end_before(connection, 500)[1], row)
    connection.execute("UPDATE events SET digest = ? WHERE event_id = 500", (forged,))
    (finding,) = found(connection)
    assert finding.event_id == 501
    assert "event 500 was replaced together with its digest" in finding.text


def test_a_log_cut_off_at_its_end_is_found_by_how_far_it_had_come(storage: Path) -> None:
    cut_at = 1000 - NOTED_EVERY
    with tampering(storage) as connection:
        connection.execute("DELETE FROM events WHERE event_id > ?", (cut_at - 1,))
    assert verify_chain(storage).findings == ()
    report = verify_storage(storage, False, no_progress, no_progress)
    assert [(finding.problem, finding.event_id) for finding in report.findings] == [("cut_off", cut_at)]


def test_after_a_hub_that_ended_well_a_log_without_its_last_event_is_found(storage: Path) -> None:
    with recording(storage) as recorder:
        recorder.execute(post())  # with which it was noted
        ended = recorder.execute(StopHub()).event_id
    with tampering(storage) as connection:
        connection.execute("DELETE FROM events WHERE event_id = ?", (ended,))
    report = verify_storage(storage, False, no_progress, no_progress)
    assert [(finding.problem, finding.event_id) for finding in report.findings] == [("cut_off", ended)]


# What follows from the log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "event_id"),
    [
        ("UPDATE broadcasts SET from_agent = 'mallory' WHERE event_id = :id", True),
        ("DELETE FROM broadcasts WHERE event_id = :id", True),
        ("UPDATE tasks SET channel = 'elsewhere' WHERE task_id = (SELECT min(task_id) FROM tasks)", False),
        ("UPDATE locks SET agent_id = 'mallory' WHERE from_event = (SELECT max(from_event) FROM locks)", False),
        ("DELETE FROM claim_refusals", False),
        ("INSERT INTO inbox VALUES ('mallory', 5, 'direct', 'a')", False),
    ],
)
def test_a_changed_row_of_a_table_is_found(storage: Path, change: str, event_id: bool) -> None:
    with tampering(storage) as connection:
        place = connection.execute("SELECT event_id FROM broadcasts ORDER BY event_id LIMIT 1 OFFSET 3").get
        connection.execute(change, {"id": place} if event_id else {})
        assert connection.changes()
    report = verify_storage(storage, False, no_progress, no_progress)
    assert report.compared
    assert [finding.place for finding in report.findings] == ["projection"]
    if event_id:
        assert report.findings[0].event_id == place
    assert verify_storage(storage, True, no_progress, no_progress).findings == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM idempotency_keys WHERE event_id = :id", "missing"),
        ("UPDATE idempotency_keys SET event_id = 1 WHERE event_id = :id", "changed"),
        ("UPDATE idempotency_keys SET hash = x'00' WHERE event_id = :id", "missing"),
        ("INSERT INTO idempotency_keys VALUES (x'00', :id)", "superfluous"),
    ],
)
def test_a_changed_idempotency_key_is_found(storage: Path, change: str, problem: str) -> None:
    with tampering(storage) as connection:
        place = connection.execute("SELECT event_id FROM idempotency_keys ORDER BY event_id LIMIT 1 OFFSET 5").get
        connection.execute(change, {"id": place})
    findings = verify_storage(storage, False, no_progress, no_progress).findings
    assert (findings[0].place, findings[0].problem, findings[0].event_id) == ("keys", problem, place)


def test_tables_of_a_damaged_log_are_not_compared(storage: Path) -> None:
    with tampering(storage) as connection:
        flip_bit(connection, 500, "data", 0)
    report = verify_storage(storage, False, no_progress, no_progress)
    assert not report.compared
    assert [finding.event_id for finding in report.findings] == [500]
