"""History never passes damage off as what was recorded."""

from pathlib import Path

import pytest

from arclog.errors import StorageDamaged
from projections.history.blame import read_blame
from projections.history.changes import find_in_full
from projections.history.diff import read_diff
from projections.history.events import find_logged, read_log
from tests.support.tampering import COLUMNS, TEXTS, bits_of, build_storage, flip_bit, tampering


@pytest.mark.parametrize("column", COLUMNS[1:])
def test_an_event_that_is_not_what_was_recorded_is_never_shown_without_saying_so(tmp_path: Path, column: str) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 40)
    with tampering(storage) as changed:
        for bit in (0, 6, 40, 62) if column not in TEXTS else (0, 1, 2):
            flip_bit(changed, 20, column, bit % bits_of(changed, 20, column))
            event = find_logged(changed, 20)
            assert event is not None
            assert event.damaged, f"bit {bit} of {column}"
            whole = {found.event_id for found in read_log(changed, 0, 100) if not found.damaged}
            assert whole >= set(range(1, 41)) - {20, 21}
            assert 20 not in whole
            flip_bit(changed, 20, column, bit % bits_of(changed, 20, column))


@pytest.mark.parametrize("column", sorted(TEXTS))
def test_a_text_that_is_none_any_more_is_damage_and_no_crash(tmp_path: Path, column: str) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 40)
    with tampering(storage) as changed:
        flip_bit(changed, 20, column, 7)
        for read in (lambda: find_logged(changed, 20), lambda: read_log(changed, 0, 100)):
            with pytest.raises(StorageDamaged, match="cannot be read"):
                read()


def test_history_of_an_event_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 40)
    with tampering(storage) as changed:
        changed.execute("UPDATE events SET data = x'00' WHERE event_id = 20")
        found = find_in_full(changed, 20)
        assert found is not None
        assert (found.changes, found.event.data, found.event.damaged) == (None, None, True)
        with pytest.raises(StorageDamaged, match="cannot be read"):
            read_diff(changed, 10, 30)
        with pytest.raises(StorageDamaged, match="cannot be read"):
            read_blame(changed, found.event.stream, 0)
