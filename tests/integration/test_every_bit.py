"""Verification: there is no bit in a log of 1,000 events that could turn without being found, and its event named.

Some 1.7 million bits are turned one by one. A change of one event reaches no further than the next one, so the segments
around it are checked, which is what `arc log verify` makes of the whole log; for one bit of each event, the file itself
is changed, and the whole of it verified.
"""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import apsw
import pytest

from arclog.proof.diagnosis import diagnose
from arclog.proof.findings import Finding
from arclog.proof.verify import Segment, check_segment, verify_chain
from tests.support.tampering import COLUMNS, bits_of, build_storage, flip_bit, tampering, undone

EVENTS = 1000
PARTS = 40
"""Tests among which the events are divided, so that processes can share them."""
REACH = 3
"""Events before and after a change that are checked."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_storage(tmp_path_factory.mktemp("bits") / "arc.sqlite3", EVENTS)


@pytest.fixture
def memory(original: Path) -> Iterator[apsw.Connection]:
    """The log in memory, without what slows changes down."""
    with tampering(original) as file, closing(apsw.Connection(":memory:")) as copy:
        with copy.backup("main", file, "main") as backup:
            backup.step(-1)
        for (index,) in copy.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'events_by_*'").fetchall():
            copy.execute(f"DROP INDEX {index}")
        yield copy


def find_near(connection: apsw.Connection, places: set[int]) -> list[Finding]:
    """What verification says of the events around some places."""
    breaks: set[int] = set()
    for place in places:
        checked = check_segment(connection, Segment("", max(0, place - REACH), place + REACH))
        assert not checked.gaps
        breaks.update(checked.breaks)
    return diagnose(connection, sorted(breaks))


def is_named(connection: apsw.Connection, event_id: int, column: str, bit: int) -> bool:
    """Whether a bit was turned, found, and told as the one thing that is wrong; false where it cannot be turned."""
    with undone(connection):
        if not flip_bit(connection, event_id, column, bit):
            return False
        places = {event_id, event_id ^ 1 << bit} if column == "event_id" else {event_id}
        findings = find_near(connection, places)
        told = [finding.event_id for finding in findings]
        assert told == [event_id], f"bit {bit} of {column} of event {event_id}: {findings}"
        return True


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_every_single_bit_of_every_event_is_found(memory: apsw.Connection, part: int) -> None:
    turned = taken = 0
    for event_id in range(1 + part, EVENTS + 1, PARTS):
        for column in COLUMNS:
            for bit in range(bits_of(memory, event_id, column)):
                if is_named(memory, event_id, column, bit):
                    turned += 1
                else:
                    taken += 1  # the number is another event's
    print(f"\npart {part}: {turned} bits turned, each found and its event named; {taken} numbers are taken")  # noqa: T201 - a report


@pytest.mark.soak
def test_a_bit_of_each_event_is_found_in_the_whole_file(original: Path, tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311
    path = Path(copyfile(original, tmp_path / "arc.sqlite3"))
    turned = 0
    with tampering(path) as connection:
        for event_id in range(1, EVENTS + 1):
            column = chance.choice(COLUMNS)
            bit = chance.randrange(bits_of(connection, event_id, column))
            if not flip_bit(connection, event_id, column, bit):
                continue
            assert [finding.event_id for finding in verify_chain(path).findings] == [event_id], f"{column}, bit {bit}"
            assert flip_bit(connection, event_id ^ 1 << bit if column == "event_id" else event_id, column, bit)
            turned += 1
    assert verify_chain(path).findings == ()
    print(f"\n{turned} bits of the file turned, each found and its event named")  # noqa: T201 - a report
