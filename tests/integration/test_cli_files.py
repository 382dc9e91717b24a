"""Files that an `arc log` command is given: each is told for what it is, and nothing is left of what failed."""

from pathlib import Path

import pytest

from arclog.deciders.locks import AcquireLock
from tests.support.command import Run, running
from tests.support.recorders import recording
from tests.support.tampering import tampering

LAST = 3


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in a folder with a storage, tables made from it, an export of it, and a text."""
    monkeypatch.chdir(tmp_path)
    with recording(tmp_path / "arc.sqlite3") as recorder:
        recorder.execute(AcquireLock(agent_id="ada", file_path="a.py"))
    run = running(capsys)
    run("log", "replay", "--into", "tables.sqlite3")
    run("log", "export", "log.jsonl")
    (tmp_path / "text.md").write_text("some text\n" * 100)
    (tmp_path / "folder").mkdir()
    return run


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("show --storage tables.sqlite3", "tables that were made from a log"),
        ("verify tables.sqlite3", "tables that were made from a log"),
        ("restore tables.sqlite3 --storage new", "tables that were made from a log"),
        ("import tables.sqlite3 --storage new", "tables that were made from a log"),
        ("import arc.sqlite3 --storage new", "is a storage of this Arc already: use arc log restore, or arc log fork"),
        ("import text.md --storage new", "neither an export nor a database of Arc 0.1.1"),
        ("import folder --storage new", "is a folder"),
        ("import nothing --storage new", "there is no file"),
        ("verify text.md", "neither an export nor a storage of Arc"),
        ("verify nothing", "there is no file"),
        ("restore log.jsonl --storage new", "is an export: bring it in with arc log import log.jsonl --storage NEW"),
        ("restore text.md --storage new", "is not a backup"),
        ("restore nothing --storage new", "there is no file"),
        ("fork 2 --from nothing --storage new", "name it with --from"),
        ("fork 2 --from log.jsonl --storage new", "is an export: name a storage with --from"),
        ("show --storage folder", "is a folder: name a file in it with --storage"),
        ("export nowhere/log.jsonl", "there is no folder"),
        ("backup nowhere/b.sqlite3", "make it first"),
        ("replay --into nowhere/t.sqlite3", "make it first"),
        ("restore arc.sqlite3 --storage nowhere/new", "make it first"),
    ],
)
def test_a_file_of_another_kind_is_told_for_what_it_is(command: str, told: str, run: Run, tmp_path: Path) -> None:
    before = names(tmp_path)
    said = run("log", *command.split(), code=1)
    assert told in said
    assert len(said.splitlines()) == 1
    assert names(tmp_path) == before


def test_tables_are_not_taken_for_a_storage_by_a_hub(run: Run) -> None:
    assert "tables that were made from a log" in run("--storage", "tables.sqlite3", "--port", "0", code=1)


def test_a_path_is_told_without_steps_up(run: Run, tmp_path: Path) -> None:
    assert run("log", "verify", "--storage", "folder/../arc.sqlite3").startswith(f"{tmp_path / 'arc.sqlite3'}: ")


def test_the_storage_of_a_folder_above_is_the_one_that_is_meant(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "folder")
    assert str(tmp_path / "arc.sqlite3") in run("log", "verify")
    assert "lock/a.py" in run("log", "show")
    assert f"there is no storage at {tmp_path}/folder/other: name it" in run(
        "log", "show", "--storage", "other", code=1
    )


def test_a_restored_storage_has_its_tables_from_the_log(run: Run, tmp_path: Path) -> None:
    run("log", "backup", "b.sqlite3")
    with tampering(tmp_path / "b.sqlite3") as connection:
        connection.execute("UPDATE locks SET agent_id = 'mallory'")
        connection.execute("INSERT INTO idempotency_keys VALUES (x'00', 1)")
    assert "its tables were rebuilt from it" in run("log", "restore", "b.sqlite3", "--storage", "new.sqlite3")
    assert "differ from the log" in run("log", "replay", "--storage", "b.sqlite3", code=1)
    assert "follow from the log" in run("log", "verify", "--storage", "new.sqlite3")


def test_a_backup_says_what_was_checked_of_it(run: Run) -> None:
    assert "its tables were not compared with it (arc log verify FILE does)" in run("log", "backup", "b.sqlite3")
