"""Twelve ways to tamper with a storage, and three that look like something else: each is found, and named."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import apsw
import pytest
from msgspec.structs import replace

from arclog.codec import decode_data, encode_data
from arclog.digest import digest_of
from arclog.erasure import erased_bytes, without_texts
from arclog.events import MessagePosted
from arclog.progress import no_progress
from arclog.proof.anchors import Anchor, encode_anchor
from arclog.sqlite.reads import find_end_before, read
from arclog.sqlite.schema import open_storage
from cli.log.anchor_places import look_into
from cli.main import main
from projections.rebuilding.rebuild import bring_up_to_date
from projections.rebuilding.verification import Anchoring, verify_storage
from tests.support.recorders import post, recording
from tests.support.tampering import build_storage, tampering

EVENTS = 120
MIDDLE = 60


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_storage(tmp_path_factory.mktemp("anchored") / "arc.sqlite3", EVENTS)


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "anchors.jsonl"


@pytest.fixture
def storage(original: Path, tmp_path: Path, anchors: Path) -> Path:
    """A storage that was anchored, and went on a little."""
    path = Path(copyfile(original, tmp_path / "arc.sqlite3"))
    anchors.parent.mkdir()
    assert main(["log", "anchor", "--storage", str(path), "--into", str(anchors)]) == 0
    with recording(path) as recorder:
        recorder.execute(post("a", body="after the anchor"))
    return path


def problems(storage: Path) -> list[tuple[str, str, int | None]]:
    report = verify_storage(storage, False, no_progress, no_progress, Anchoring(look_into))
    return [(one.place, one.problem, one.event_id) for one in report.findings]


def a_message(connection: apsw.Connection) -> int:
    return int(
        connection.execute("SELECT event_id FROM events WHERE type = 'message.posted' AND event_id > 50 LIMIT 1").get
    )


def rewrite_from(connection: apsw.Connection, event_id: int, change: Callable[[MessagePosted], MessagePosted]) -> None:
    """Change an event and make every digest after it fit: what a chain alone cannot tell."""
    _, previous = find_end_before(connection, event_id)
    for event in list(read(connection, event_id - 1, -1)):
        data = event.data
        if event.event_id == event_id:
            said = decode_data(event.type, data)
            assert isinstance(said, MessagePosted)
            data = encode_data(change(said))
        previous = digest_of(previous, replace(event, data=data))
        row = (data, previous, event.event_id)
        connection.execute("UPDATE events SET data = ?, digest = ? WHERE event_id = ?", row)


def rebuild(storage: Path) -> None:
    """Make the tables fit, as somebody would who knows Arc."""
    connection = open_storage(storage)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE checkpoints SET event_id = 0")
    bring_up_to_date(connection)
    connection.execute("COMMIT")
    connection.close()


def test_a_storage_that_nobody_touched_fits_its_anchors(
    storage: Path, anchors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(storage) == []
    assert main(["log", "verify", "--storage", str(storage)]) == 0
    assert f"compared with 1 anchors in {anchors}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("data", "CAST(replace(CAST(data AS TEXT), 'message', 'massage') AS BLOB)"),
        ("metadata", "x'80'"),
        ("actor", "'mallory'"),
        ("recorded_at", "recorded_at + 1"),
        ("stream", "'channel/elsewhere'"),
    ],
)
def test_1_to_5_an_event_that_was_changed_is_named(storage: Path, column: str, value: str) -> None:
    with tampering(storage) as connection:
        query = f"SELECT event_id FROM events WHERE type = 'message.posted' AND event_id > 50 AND {column} <> {value}"  # noqa: S608
        event_id = connection.execute(f"{query} LIMIT 1").get
        connection.execute(f"UPDATE events SET {column} = {value} WHERE event_id = ?", (event_id,))  # noqa: S608
    assert problems(storage)[0] == ("log", "changed", event_id)


def test_6_a_digest_that_was_changed(storage: Path) -> None:
    with tampering(storage) as connection:
        connection.execute("UPDATE events SET digest = zeroblob(32) WHERE event_id = ?", (MIDDLE,))
    assert problems(storage)[0] == ("log", "digest_changed", MIDDLE)


def test_7_an_event_that_was_removed(storage: Path) -> None:
    with tampering(storage) as connection:
        connection.execute("DELETE FROM events WHERE event_id = ?", (MIDDLE,))
    assert problems(storage)[0] == ("log", "removed", MIDDLE)


def test_8_an_event_that_was_put_in(storage: Path) -> None:
    with tampering(storage) as connection:
        for place in range(EVENTS + 2, MIDDLE - 1, -1):
            connection.execute("UPDATE events SET event_id = event_id + 1 WHERE event_id = ?", (place,))
        connection.execute(
            "INSERT INTO events SELECT ?, recorded_at, type, stream, 'mallory', data, metadata, digest "
            "FROM events LIMIT 1",
            (MIDDLE,),
        )
    assert ("log", "inserted", MIDDLE) in problems(storage)


def test_9_two_events_that_changed_places(storage: Path) -> None:
    one, other = MIDDLE, MIDDLE + 20
    with tampering(storage) as connection:
        query = "SELECT data, actor, stream, type FROM events WHERE event_id = ?"
        rows = {place: next(connection.execute(query, (place,))) for place in (one, other)}
        change = "UPDATE events SET data = ?, actor = ?, stream = ?, type = ? WHERE event_id = ?"
        for place, row in ((one, rows[other]), (other, rows[one])):
            connection.execute(change, (*row, place))
    found = problems(storage)
    assert found[0][0] == "log"
    assert found[0][2] == MIDDLE


def test_10_an_end_that_was_cut_off_with_all_that_followed_from_it(storage: Path, anchors: Path) -> None:
    with tampering(storage) as connection:
        connection.execute("DELETE FROM events WHERE event_id > ?", (MIDDLE,))
        connection.execute("DELETE FROM idempotency_keys WHERE event_id > ?", (MIDDLE,))
    rebuild(storage)
    assert problems(storage) == []  # the log has forgotten its anchor with its end: it must be told where to look
    report = verify_storage(storage, False, no_progress, no_progress, Anchoring(look_into, (str(anchors),)))
    assert [(one.place, one.problem, one.event_id) for one in report.findings] == [("log", "cut_off", MIDDLE + 1)]


def test_11_a_log_that_was_written_anew_from_some_event_on(storage: Path) -> None:
    with tampering(storage) as connection:
        event_id = a_message(connection)
        rewrite_from(connection, event_id, lambda said: replace(said, body="I never said that"))
    rebuild(storage)
    (found,) = problems(storage)[:1]
    assert found == ("log", "rewritten", 1)


def test_12_a_row_of_a_table_that_was_changed(storage: Path) -> None:
    with tampering(storage) as connection:
        event_id = connection.execute("SELECT max(event_id) FROM broadcasts").get
        connection.execute("UPDATE broadcasts SET from_agent = 'mallory' WHERE event_id = ?", (event_id,))
    assert problems(storage) == [("projection", "differs", event_id)]


def test_an_idempotency_key_that_was_led_elsewhere(storage: Path) -> None:
    with tampering(storage) as connection:
        event_id = connection.execute("SELECT min(event_id) FROM idempotency_keys").get
        connection.execute("UPDATE idempotency_keys SET event_id = event_id + 1 WHERE event_id = ?", (event_id,))
    assert ("keys", "changed", event_id) in problems(storage)


def test_a_change_that_passes_itself_off_as_an_erasure(storage: Path) -> None:
    with tampering(storage) as connection:
        event_id = a_message(connection)
        data = connection.execute("SELECT data FROM events WHERE event_id = ?", (event_id,)).get
        left = erased_bytes(data, without_texts(decode_data("message.posted", data), frozenset(), event_id))
        connection.execute("UPDATE events SET data = ? WHERE event_id = ?", (left, event_id))
    assert problems(storage)[0] == ("log", "changed", event_id)


def test_an_anchor_that_was_taken_out_of_its_place(storage: Path, anchors: Path) -> None:
    other = Anchor(1, "another", 7, "00" * 32, "2026-01-01T00:00:00Z")
    anchors.write_text(f"{encode_anchor(other)}\n")
    assert problems(storage) == [("anchors", "missing", EVENTS)]


def test_an_anchor_is_kept_in_the_notes_of_the_repository_around_the_storage(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = Path(copyfile(original, tmp_path / "arc.sqlite3"))
    assert main(["log", "anchor", "--storage", str(storage)]) == 1
    assert "--into" in capsys.readouterr().err
    for arguments in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
        ["config", "user.name", "a"],
        ["config", "user.email", "a@b"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    for _ in range(2):
        assert main(["log", "anchor", "--storage", str(storage)]) == 0
    notes = subprocess.run(
        ["git", "-C", str(tmp_path), "notes", "--ref=arc", "show", "HEAD"], capture_output=True, text=True, check=True
    )
    assert notes.stdout.count("arc_anchor") == 2
    assert main(["log", "verify", "--storage", str(storage)]) == 0
    assert "compared with 2 anchors in git:" in capsys.readouterr().out
    with tampering(storage) as connection:
        connection.execute("DELETE FROM events WHERE event_id > ?", (MIDDLE,))
        connection.execute("DELETE FROM idempotency_keys WHERE event_id > ?", (MIDDLE,))
    rebuild(storage)
    assert main(["log", "verify", "--storage", str(storage)]) == 1
    assert f"the log ends with event {MIDDLE}, but event {EVENTS} was anchored" in capsys.readouterr().out
