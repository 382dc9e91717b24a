"""Claims and locks at real hubs against the oracle: random schedules with kills, lapses, lost calls and handovers."""

from collections import Counter
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from arclog.progress import no_progress
from arclog.sqlite.reads import read_head
from projections import locks, places
from projections.moments import find_moment
from projections.moving.transfer import bring_in, fork
from projections.rebuilding.verification import verify_storage
from tests.property.histories import fresh_storage
from tests.property.test_exports import export_of
from tests.support.lease_recorders import Recorders
from tests.support.recorders import reading


def play(folder: Path, seeds: range, hubs: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        with fresh_storage(folder) as storage, ExitStack() as stack:
            story = Recorders(storage, seed, hubs, stack)
            story.play(40)
            seen += story.seen
            stack.close()
            if seed % 5 == 0:
                check_history(storage)
    return seen


def check_history(storage: Path) -> None:
    """The tables are what a replay makes of the log, and an export brings all of it elsewhere."""
    report = verify_storage(storage, False, no_progress, no_progress)
    assert (report.findings, report.compared) == ((), True)
    copy = storage.with_name("copy.sqlite3")
    exported = export_of(storage)
    bring_in(BytesIO(exported), "export", copy)
    assert export_of(copy) == exported


def standing_at(storage: Path, event_id: int) -> list[object]:
    """Who held what and who waited right after an event."""
    with reading(storage) as connection:
        at = find_moment(connection, event_id)
        held = [msgspec.structs.astuple(one) for one in locks.list_standing(connection, at)]
        return [*held, *places.list_waiting(connection, at)]


def test_who_waited_for_whom_at_an_event_is_what_the_first_events_alone_say(tmp_path: Path) -> None:
    with fresh_storage(tmp_path) as storage, ExitStack() as stack:
        story = Recorders(storage, 3, 2, stack)
        story.play(40)
        stack.close()
        with reading(storage) as connection:
            head = read_head(connection).event_id
        for event_id in range(10, head, 7):
            shorter = storage.with_name(f"first-{event_id}.sqlite3")
            fork(storage, shorter, event_id)
            assert standing_at(storage, event_id) == standing_at(shorter, event_id)


@pytest.mark.parametrize("hubs", [1, 2, 4])
@pytest.mark.parametrize("first", range(0, 66, 22))
def test_hubs_and_oracle_agree_at_every_step(tmp_path: Path, hubs: int, first: int) -> None:
    seen = play(tmp_path, range(first, first + 22), hubs)
    assert min(seen[kind] for kind in ("granted", "queued", "served", "hubs killed", "handed over")) > 0, seen


@pytest.mark.parametrize(("hubs", "seed"), [(1, 2244), (1, 2529), (4, 1973)])
def test_schedules_that_once_were_judged_otherwise_after_a_start_or_at_a_handover(
    tmp_path: Path, hubs: int, seed: int
) -> None:
    play(tmp_path, range(seed, seed + 1), hubs)


@pytest.mark.soak
@pytest.mark.parametrize("hubs", [1, 2, 4])
def test_hubs_and_oracle_agree_on_ten_thousand_schedules(tmp_path: Path, hubs: int) -> None:
    play(tmp_path, range(1_000, 4_334), hubs)
