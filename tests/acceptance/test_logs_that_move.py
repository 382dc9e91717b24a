"""`arc log copy` and `arc log verify --log`: a log moves between storages and PostgreSQL, and is proved there."""

from pathlib import Path

import pytest

from tests.support.arc_command import ArcCommand
from tests.support.machines import events_of, machines
from tests.support.postgresql import Server
from tests.support.told import tell

pytestmark = pytest.mark.outer


def empty_database(server: Server, name: str) -> str:
    server.sql("postgres", f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    return server.url(database=name)


def head_of(path: Path) -> str:
    said = ArcCommand(path.parent)("log", "verify", "--chain-only", "--storage", path).out
    return said.partition("digest ")[2].split()[0]


def test_a_log_goes_to_postgresql_and_back_byte_for_byte(server: Server, tmp_path: Path) -> None:
    arc, url = ArcCommand(tmp_path), empty_database(server, "there_and_back")
    tell(tmp_path / "arc.sqlite3")
    there = arc("log", "copy", "--from", "arc.sqlite3", "--to", url)
    assert there.code == 0, there.err
    back = arc("log", "copy", "--from", url, "--to", "back.sqlite3")
    assert back.code == 0, back.err
    assert there.out == back.out
    assert back.out.split()[-1] == head_of(tmp_path / "arc.sqlite3")
    verified = arc("log", "verify", "--storage", "back.sqlite3")
    assert (verified.code, "row by row" in verified.out) == (0, True)
    proved = arc("log", "verify", "--log", url)
    assert (proved.code, proved.out.split()[-1]) == (0, back.out.split()[-1])


def test_a_copy_that_was_broken_off_goes_on_and_one_of_another_log_is_refused(server: Server, tmp_path: Path) -> None:
    arc, url = ArcCommand(tmp_path), empty_database(server, "goes_on")
    tell(tmp_path / "arc.sqlite3")
    assert arc("log", "fork", "5", "--from", "arc.sqlite3", "--storage", "part.sqlite3").code == 0
    assert "5 events copied" in arc("log", "copy", "--from", "part.sqlite3", "--to", url).out
    whole = arc("log", "copy", "--from", "arc.sqlite3", "--to", url)
    assert whole.code == 0, whole.err
    assert whole.out.split()[-1] == head_of(tmp_path / "arc.sqlite3")
    again = arc("log", "copy", "--from", "arc.sqlite3", "--to", url)
    assert again.out.startswith("0 events copied")
    (tmp_path / "other").mkdir()
    tell(tmp_path / "other" / "arc.sqlite3")
    refused = arc("log", "copy", "--from", "other/arc.sqlite3", "--to", url)
    assert refused.code == 1
    assert "is not that of" in refused.err


def test_hubs_go_on_from_a_log_that_was_copied(server: Server, tmp_path: Path) -> None:
    """The storage that the log came from may go on as a copy of it; others begin with nothing."""
    arc, url = ArcCommand(tmp_path), empty_database(server, "goes_on_there")
    (tmp_path / "machine-0").mkdir()
    tell(tmp_path / "machine-0" / "arc.sqlite3")
    assert arc("log", "copy", "--from", "machine-0/arc.sqlite3", "--to", url).code == 0
    (tmp_path / "machines").mkdir()
    (tmp_path / "machine-0").rename(tmp_path / "machines" / "machine-0")
    with machines(tmp_path / "machines", url, 2) as hubs:
        for hub in hubs:
            asked = {"from_agent": "a", "channel": "general", "body": "goes on"}
            assert hub.post("/v1/messages", asked).status == 201
    one, two = (events_of(hub) for hub in hubs)
    assert one[: len(two)] == two or two[: len(one)] == one


@pytest.mark.parametrize("column", ["data", "actor", "recorded_at"])
def test_a_change_on_the_server_is_named(server: Server, tmp_path: Path, column: str) -> None:
    arc, url = ArcCommand(tmp_path), empty_database(server, f"changed_{column}")
    tell(tmp_path / "arc.sqlite3")
    arc("log", "copy", "--from", "arc.sqlite3", "--to", url)
    changed = {"data": "data || '\\x00'", "actor": "actor || 'x'", "recorded_at": "recorded_at + 1"}[column]
    server.sql(
        f"changed_{column}",
        "ALTER TABLE arc.events DISABLE TRIGGER ALL",
        f"UPDATE arc.events SET {column} = {changed} WHERE event_id = 5",  # noqa: S608 - words of the test's own
    )
    proved = arc("log", "verify", "--log", url)
    assert proved.code == 1
    assert "event 5 is not what was recorded" in proved.out
