"""Whatever happened, a log can be exported, brought in elsewhere, and exported again, and nothing is lost."""

from collections.abc import Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arclog.progress import no_progress
from arclog.proof.export import ExportReader, write_export
from arclog.sqlite.reads import NO_END
from arclog.sqlite.schema import open_existing
from projections.moving.transfer import bring_in, fork
from projections.rebuilding.verification import verify_storage
from tests.property.histories import Player, Step, fresh_storage, histories
from tests.support.fake_time import FakeTime
from tests.support.recorders import recording

OFTEN = settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def export_of(storage: Path) -> bytes:
    out = BytesIO()
    with closing(open_existing(storage)) as connection:
        write_export(connection, out, 1, NO_END)
    return out.getvalue()


def keys_of(storage: Path) -> Sequence[object]:
    with closing(open_existing(storage)) as connection:
        return connection.execute("SELECT * FROM idempotency_keys ORDER BY hash").fetchall()


def play_with_keys(storage: Path, history: list[Step]) -> int:
    """Play a history, each call under a key; the last event."""
    time = FakeTime()
    with recording(storage, time) as recorder:
        player = Player(recorder, time)
        for number, step in enumerate(history):
            player.step(step, f"key-{number}", b"request")
        return recorder.last_event_id


@OFTEN
@given(histories())
def test_export_import_and_export_give_the_same_bytes_the_same_keys_and_whole_tables(
    tmp_path: Path, history: list[Step]
) -> None:
    with fresh_storage(tmp_path) as storage:
        play_with_keys(storage, history)
        exported = export_of(storage)
        reader = ExportReader(BytesIO(exported), "export")
        assert len(list(reader)) == reader.events
        assert reader.findings == []
        copy = storage.with_name("copy.sqlite3")
        bring_in(BytesIO(exported), "export", copy)
        assert export_of(copy) == exported
        assert keys_of(copy) == keys_of(storage)
        for file in (storage, copy):
            report = verify_storage(file, False, no_progress, no_progress)
            assert (report.findings, report.compared) == ((), True)


@OFTEN
@given(histories(), st.integers(0, 60))
def test_a_fork_anywhere_is_whole(tmp_path: Path, history: list[Step], place: int) -> None:
    with fresh_storage(tmp_path) as storage:
        last = 1 + place % play_with_keys(storage, history)
        forked = storage.with_name("fork.sqlite3")
        assert fork(storage, forked, last).head == last
        report = verify_storage(forked, False, no_progress, no_progress)
        assert (report.findings, report.compared) == ((), True)
