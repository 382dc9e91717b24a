"""Exports: the same log gives the same bytes, anybody can verify them, and they become the same log again."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from random import Random

import pytest

from arclog.errors import InvalidInput, StorageDamaged
from arclog.progress import no_progress
from arclog.proof.export import ExportReader, write_export
from arclog.proof.findings import Finding
from arclog.sqlite.reads import NO_END, read
from arclog.sqlite.schema import get_instance_id, get_origin, open_existing
from projections.moving.transfer import bring_in, fork
from projections.rebuilding.verification import verify_storage
from tests.support.recorders import recording
from tests.support.tampering import build_storage, flip_bit, tampering

EVENTS = 300
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "log.md"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_storage(tmp_path_factory.mktemp("export") / "arc.sqlite3", EVENTS)


@pytest.fixture(scope="module")
def exported(storage: Path) -> bytes:
    return export_of(storage)


def export_of(storage: Path, first: int = 1, last: int = NO_END) -> bytes:
    out = BytesIO()
    with closing(open_existing(storage)) as connection:
        write_export(connection, out, first, last)
    return out.getvalue()


def findings_in(export: bytes) -> list[Finding]:
    reader = ExportReader(BytesIO(export), "export")
    for _event in reader:
        pass
    return reader.findings


def import_into(export: bytes, storage: Path) -> Path:
    bring_in(BytesIO(export), "export", storage)
    return storage


def keys_of(storage: Path) -> Sequence[object]:
    with closing(open_existing(storage)) as connection:
        return connection.execute("SELECT * FROM idempotency_keys ORDER BY hash").fetchall()


# There and back ------------------------------------------------------------------------------------------------------


def test_an_imported_export_gives_the_same_bytes_again(exported: bytes, tmp_path: Path) -> None:
    copy = import_into(exported, tmp_path / "copy.sqlite3")
    assert export_of(copy) == exported
    report = verify_storage(copy, False, no_progress, no_progress)
    assert report.findings == ()
    assert report.compared


def test_an_imported_log_keeps_its_ids_times_digests_and_keys(storage: Path, exported: bytes, tmp_path: Path) -> None:
    copy = import_into(exported, tmp_path / "copy.sqlite3")
    with closing(open_existing(storage)) as original, closing(open_existing(copy)) as imported:
        assert list(read(imported, limit=EVENTS)) == list(read(original, limit=EVENTS))
        assert get_instance_id(imported) != get_instance_id(original)
        assert get_origin(imported) == get_instance_id(original)
    assert keys_of(copy) == keys_of(storage)
    assert len(keys_of(copy)) > 20


def test_a_hub_goes_on_where_an_imported_log_ends(exported: bytes, tmp_path: Path) -> None:
    copy = import_into(exported, tmp_path / "copy.sqlite3")
    with recording(copy) as recorder:
        assert recorder.last_event_id == EVENTS


def test_exports_of_the_parts_of_a_log_continue_one_another(storage: Path, exported: bytes, tmp_path: Path) -> None:
    copy = import_into(export_of(storage, last=100), tmp_path / "copy.sqlite3")
    import_into(export_of(storage, 101, 200), copy)
    with pytest.raises(InvalidInput, match=r"continues event 250, but .* ends with event 200"):
        import_into(export_of(storage, 251), copy)
    import_into(export_of(storage, 201), copy)
    assert export_of(copy) == exported


def test_the_next_part_of_a_log_comes_into_the_tables_of_a_storage_that_a_hub_has_served(
    storage: Path, tmp_path: Path
) -> None:
    copy = import_into(export_of(storage, last=100), tmp_path / "copy.sqlite3")
    with recording(copy):
        pass
    import_into(export_of(storage, 101), copy)
    report = verify_storage(copy, False, no_progress, no_progress)
    assert (report.findings, report.compared) == ((), True)


def test_the_first_part_of_a_log_must_be_brought_in_first(storage: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="starts after event 100"):
        import_into(export_of(storage, 101), tmp_path / "copy.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_the_export_of_another_log_continues_nothing(exported: bytes, storage: Path, tmp_path: Path) -> None:
    other = build_storage(tmp_path / "other.sqlite3", 100, seed=2)
    with pytest.raises(InvalidInput, match="of another log"):
        import_into(export_of(storage, 101), other)
    with pytest.raises(InvalidInput, match="begins with a log's first event"):
        import_into(exported, other)
    assert verify_storage(other, False, no_progress, no_progress).events == 100


def test_an_export_of_nothing_is_whole(storage: Path) -> None:
    export = export_of(storage, EVENTS + 1)
    assert findings_in(export) == []
    header, footer = map(json.loads, export.splitlines())
    assert (header["after"], header["last"], footer["events"]) == (EVENTS, EVENTS, 0)


# By hand -------------------------------------------------------------------------------------------------------------


def verify_by_hand(export: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """Verify an export with the program of the reference page."""
    (program,) = re.findall(r"```python\n(import base64.*?)```", PAGE.read_text(), re.DOTALL)
    (folder / "export.jsonl").write_bytes(export)
    command = [sys.executable, "-I", "-X", "dev", "-W", "ignore::ResourceWarning", "-c", program, "export.jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def end_anew(lines: list[bytes]) -> bytes:
    """These lines, and a last line that fits them."""
    text = b"".join(lines)
    return text + b'{"events":%d,"sha256":"%s"}\n' % (len(lines) - 1, hashlib.sha256(text).hexdigest().encode())


def test_an_export_can_be_verified_with_the_standard_library_alone(exported: bytes, tmp_path: Path) -> None:
    verified = verify_by_hand(exported, tmp_path)
    last = json.loads(exported.splitlines()[-2])["digest"]
    assert (verified.returncode, verified.stdout) == (0, f"{EVENTS} events, {last}\n"), verified.stderr


def test_what_is_wrong_with_an_export_shows_with_the_standard_library_alone(exported: bytes, tmp_path: Path) -> None:
    lines = exported.splitlines(keepends=True)
    for wrong, told in (
        (exported.replace(b'"for you"', b'"for bob"', 1), "the file is not what was written"),
        (b"".join(lines[:40]), "the file is not what was written"),
        (b"".join([*lines[:40], lines[-1]]), "the file is not what was written"),
        (end_anew(lines[:40]), "events are missing"),
        (end_anew([*lines[:40], *lines[41:-1]]), "AssertionError: 41"),
        (
            end_anew([*lines[:9], lines[9].replace(b'"actor":"agent', b'"actor":"Agent'), *lines[10:-1]]),
            "AssertionError: 9",
        ),
    ):
        assert wrong != exported
        verified = verify_by_hand(wrong, tmp_path)
        assert verified.returncode == 1
        assert told in verified.stderr


# Damage --------------------------------------------------------------------------------------------------------------


def lines_of(export: bytes) -> list[bytes]:
    return export.splitlines(keepends=True)


def damaged(export: bytes) -> Iterator[tuple[str, bytes, int | None]]:
    lines = lines_of(export)
    yield "removed", b"".join(lines[:50] + lines[51:]), 50
    yield "swapped", b"".join([*lines[:50], lines[51], lines[50], *lines[52:]]), 50
    yield "doubled", b"".join([*lines[:50], lines[49], *lines[50:]]), 49
    yield "cut off", b"".join(lines[:50]), 50
    yield "cut off before the last line", b"".join(lines[:-1]), EVENTS + 1
    yield "cut off, last line kept", b"".join([*lines[:50], lines[-1]]), 50
    yield "something after", export + b"{}\n", None
    yield "a line that is none", b"".join([*lines[:50], b"nonsense\n", *lines[51:]]), 50
    yield "another origin", lines[0].replace(b'"origin":"', b'"origin":"0') + b"".join(lines[1:]), None
    yield "readable part changed", export.replace(b'"body":"message 3"', b'"body":"massage 3"', 1), None


def test_damage_of_an_export_is_found_and_never_imported(exported: bytes, tmp_path: Path) -> None:
    for name, export, event_id in damaged(exported):
        findings = findings_in(export)
        assert findings, name
        if event_id is not None:
            assert findings[0].event_id == event_id, (name, findings)
        with pytest.raises(InvalidInput, match="is not what was written"):
            import_into(export, tmp_path / "copy.sqlite3")
        assert list(tmp_path.iterdir()) == []


def check_export_flip(exported: bytes, bit: int) -> None:
    export = bytearray(exported)
    export[bit // 8] ^= 1 << bit % 8
    line = exported.count(b"\n", 0, bit // 8)
    try:
        findings = findings_in(bytes(export))
    except InvalidInput:
        assert line == 0
        return
    assert findings, f"bit {bit} of the export"
    if 1 <= line <= EVENTS:
        assert findings[0].event_id == line, f"bit {bit} of the export: {findings}"


def test_a_single_bit_of_an_export_that_turns_is_found_in_its_line(exported: bytes) -> None:
    for bit in Random(3).sample(range(8 * len(exported)), 200):  # noqa: S311
        check_export_flip(exported, bit)


@pytest.mark.soak
def test_every_single_bit_of_an_export_that_turns_is_found(tmp_path: Path) -> None:
    exported = export_of(build_storage(tmp_path / "arc.sqlite3", EVENTS))
    chance = Random()  # noqa: S311
    for byte in range(len(exported)):
        check_export_flip(exported, 8 * byte + chance.randrange(8))


def test_what_is_no_export_is_called_so(tmp_path: Path) -> None:
    for text in (b"", b"hello\n", b"{}\n", b"\0" * 100):
        with pytest.raises(InvalidInput, match="is not an export of a log"):
            import_into(text, tmp_path / "copy.sqlite3")
    later = b'{"arc_export":2,"origin":"x","after":0,"last":0,"previous":"00"}\n'
    with pytest.raises(InvalidInput, match="in version 2; this Arc reads 1"):
        import_into(later, tmp_path / "copy.sqlite3")


def test_a_damaged_log_is_exported_up_to_the_damage_only(tmp_path: Path) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 50)
    with tampering(storage) as connection:
        flip_bit(connection, 30, "data", 5)
    with pytest.raises(StorageDamaged, match="up to event 29 at most"):
        export_of(storage)
    assert findings_in(export_of(storage, last=29)) == []


# Forks ---------------------------------------------------------------------------------------------------------------


def test_a_fork_is_a_log_of_its_own_with_the_first_events(storage: Path, tmp_path: Path) -> None:
    made = fork(storage, tmp_path / "fork.sqlite3", 120)
    assert (made.events, made.head) == (120, 120)
    with closing(open_existing(storage)) as original, closing(open_existing(tmp_path / "fork.sqlite3")) as forked:
        assert list(read(forked, limit=EVENTS)) == list(read(original, limit=120))
        assert get_instance_id(forked) == made.instance_id != get_instance_id(original)
    assert verify_storage(tmp_path / "fork.sqlite3", False, no_progress, no_progress).findings == ()


def test_a_fork_beyond_the_head_or_onto_a_file_is_refused(storage: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"event {EVENTS + 1} is beyond event {EVENTS}"):
        fork(storage, tmp_path / "fork.sqlite3", EVENTS + 1)
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InvalidInput, match="is there already"):
        fork(storage, tmp_path / "taken", 5)
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_damaged_log_is_forked_before_the_damage_only(tmp_path: Path) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 50)
    with tampering(storage) as connection:
        flip_bit(connection, 30, "data", 5)
    with pytest.raises(StorageDamaged, match="up to event 29 at most"):
        fork(storage, tmp_path / "fork.sqlite3", 40)
    assert fork(storage, tmp_path / "fork.sqlite3", 29).head == 29
