"""Verification of files with bits that turned, and with pages that cannot be read."""

import random
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import apsw
import pytest

from arclog.errors import StorageError
from arclog.progress import no_progress
from arclog.proof.export import ExportReader, write_export
from arclog.proof.verify import Segment, check_segment, verify_chain
from arclog.sqlite.reads import is_readable, read_raw
from arclog.sqlite.schema import open_existing
from projections.moving.transfer import fork
from projections.rebuilding.verification import verify_storage
from tests.support.tampering import build_storage, make_200_smaller, tampering

EVENTS = 1000


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_storage(tmp_path_factory.mktemp("verify") / "arc.sqlite3", EVENTS)


@pytest.fixture
def storage(original: Path, tmp_path: Path) -> Path:
    return Path(copyfile(original, tmp_path / "arc.sqlite3"))


def contents(path: Path) -> list[object]:
    """Every row of every table, as a hub would read it."""
    with closing(open_existing(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            if name != "clock"
        ]
        queries = [f'SELECT * FROM "{table}" ORDER BY 1, 2' for table in tables]  # noqa: S608
        return [connection.execute(query).fetchall() for query in queries]


def check_file_flip(original: Path, expected: list[object], copy: Path, bit: int) -> bool:
    """Turn one bit of the file; what is not found must not matter. Returns whether it was found."""
    data = bytearray(original.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    copy.write_bytes(data)
    try:
        findings = verify_storage(copy, False, no_progress, no_progress).findings
    except StorageError:
        return True
    if findings:
        return True
    assert contents(copy) == expected, f"bit {bit} of the file was turned, and nothing was found"
    return False


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of few pages, copied from its WAL to the last."""
    path = build_storage(tmp_path_factory.mktemp("file") / "arc.sqlite3", 60)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


def test_a_bit_of_the_file_that_turns_is_found_or_changes_nothing(small: Path, tmp_path: Path) -> None:
    chance, expected = random.Random(9), contents(small)  # noqa: S311
    bits = chance.sample(range(8 * small.stat().st_size), 60)
    for bit in bits:
        check_file_flip(small, expected, tmp_path / "copy.sqlite3", bit)


def test_a_number_that_became_smaller_at_the_end_of_a_segment_is_passed_once(tmp_path: Path) -> None:
    path = build_storage(tmp_path / "arc.sqlite3", 300)
    make_200_smaller(path)
    with closing(open_existing(path)) as connection:
        assert [event.event_id for event in read_raw(connection, 190, 200)][-2:] == [199, 72]
        assert check_segment(connection, Segment(str(path), 100, 200)).breaks == (72,)


def pages_of(path: Path, table: str) -> list[int]:
    with closing(apsw.Connection(str(path))) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path"
        return [int(str(page)) for (page,) in connection.execute(query, (table,))]


def spoil(path: Path, page: int) -> None:
    """Overwrite a page, as a disk does that puts a block in the wrong place."""
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


@pytest.fixture
def at_rest(storage: Path) -> Path:
    """A storage whose pages all lie in the one file."""
    with closing(apsw.Connection(str(storage))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return storage


def unreadable_events(path: Path) -> list[int]:
    """The events that cannot be read, found by asking for each."""
    with closing(open_existing(path)) as connection:
        return [event_id for event_id in range(1, EVENTS + 1) if not is_readable(connection, event_id)]


@pytest.mark.parametrize("page", [0, 10, 21])
def test_verification_names_exactly_the_events_that_cannot_be_read(at_rest: Path, page: int) -> None:
    spoil(at_rest, pages_of(at_rest, "events")[page])
    lost = unreadable_events(at_rest)
    assert 5 < len(lost) < 40
    (finding,) = verify_chain(at_rest).findings
    assert (finding.place, finding.problem, finding.event_id) == ("file", "unreadable", lost[0])
    assert f"events {lost[0]} to {lost[-1]} cannot be read" in finding.text
    assert verify_chain(at_rest).events == EVENTS - len(lost)
    assert not verify_storage(at_rest, False, no_progress, no_progress).compared


@pytest.mark.parametrize("size", [7, 50, 20_000])
def test_events_that_cannot_be_read_are_named_the_same_however_the_log_is_cut(at_rest: Path, size: int) -> None:
    pages = pages_of(at_rest, "events")
    for page in (pages[5], pages[6], pages[20]):
        spoil(at_rest, page)
    lost = unreadable_events(at_rest)
    report = verify_chain(at_rest, segment=size)
    assert sum(lost[0] == finding.event_id for finding in report.findings) == 1
    assert len(report.findings) == 2
    assert report.events == EVENTS - len(lost)


def test_a_change_beside_what_cannot_be_read_is_found_too(at_rest: Path) -> None:
    spoil(at_rest, pages_of(at_rest, "events")[10])
    last = unreadable_events(at_rest)[-1]
    with tampering(at_rest) as connection:
        connection.execute("UPDATE events SET actor = 'mallory' WHERE event_id IN (?, ?)", (5, last + 5))
    found = [(finding.problem, finding.event_id) for finding in verify_chain(at_rest).findings]
    assert ("unreadable", unreadable_events(at_rest)[0]) in found
    assert ("changed", 5) in found
    assert ("changed", last + 5) in found


@pytest.mark.parametrize("page", [3, 12, -1])
def test_a_log_is_exported_and_forked_up_to_the_last_event_before_what_cannot_be_read(
    at_rest: Path, tmp_path: Path, page: int
) -> None:
    spoil(at_rest, pages_of(at_rest, "events")[page])
    (finding, *_) = verify_chain(at_rest).findings
    assert finding.event_id is not None
    good = finding.event_id - 1
    with closing(open_existing(at_rest)) as connection, (tmp_path / "log.jsonl").open("wb") as out:
        assert write_export(connection, out, 1, good).events == good
    with (tmp_path / "log.jsonl").open("rb") as export:
        reader = ExportReader(export, "log.jsonl")
        assert [event.event_id for event in reader] == list(range(1, good + 1))
        assert reader.findings == []
    forked = fork(at_rest, tmp_path / "fork.sqlite3", good)
    assert (forked.events, forked.head) == (good, good)
    assert verify_storage(tmp_path / "fork.sqlite3", False, no_progress, no_progress).findings == ()


def test_the_end_of_a_log_that_cannot_be_read_is_a_finding(at_rest: Path) -> None:
    spoil(at_rest, pages_of(at_rest, "events")[-1])
    first = unreadable_events(at_rest)[0]
    report = verify_storage(at_rest, True, no_progress, no_progress)
    assert (report.head, report.events) == (first - 1, first - 1)
    assert [(finding.problem, finding.event_id) for finding in report.findings] == [("unreadable", first)]


@pytest.mark.parametrize("index", ["events_by_stream", "broadcasts_by_channel", "locks"])
def test_pages_of_indexes_and_tables_that_cannot_be_read_are_found(storage: Path, index: str) -> None:
    with closing(apsw.Connection(str(storage))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    spoil(storage, pages_of(storage, index)[0])
    assert verify_chain(storage).findings == ()
    findings = verify_storage(storage, False, no_progress, no_progress).findings
    assert {finding.place for finding in findings} == {"file"}
    assert all(finding.text.startswith("the file is damaged: ") for finding in findings)


@pytest.mark.soak
def test_many_bits_of_the_file_are_found_or_change_nothing(small: Path, tmp_path: Path) -> None:
    chance, expected = random.Random(), contents(small)  # noqa: S311
    for _ in range(20_000):
        bit = chance.randrange(8 * small.stat().st_size)
        check_file_flip(small, expected, tmp_path / "copy.sqlite3", bit)
