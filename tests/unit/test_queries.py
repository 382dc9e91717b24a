"""Named SQL."""

import sys
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from arclog.sqlite.queries import Queries
from arclog.sqlite.schema import EVENTS
from projections.all_projectors import PROJECTORS
from projections.checkpoints import CHECKPOINTS
from projections.intervals import CURRENT
from projections.messages_in_full import IN_FULL
from tests.support.plans import STATEMENTS, plan_of


@pytest.fixture
def connection() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for schema in (EVENTS["schema"], CHECKPOINTS["schema"]):
        connection.execute(schema)
    for projector in (*PROJECTORS, IN_FULL):
        connection.execute(projector.schema)
        connection.execute(projector.indexes)
    return connection


@pytest.mark.parametrize("noun", STATEMENTS)
def test_every_statement_is_sql_over_the_tables_that_there_are(connection: apsw.Connection, noun: str) -> None:
    assert STATEMENTS[noun]
    for name, sql in STATEMENTS[noun].items():
        if not name.startswith(("schema", "indexes", "refuse_changes")):  # what makes something that is there
            plan_of(connection, sql)


def test_a_part_is_put_in_wherever_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "sql"
    folder.mkdir()
    (folder / "lamps.sql").write_text(
        "-- part: columns\nname, {state}\n\n-- name: list\nSELECT {columns} FROM lamps\n\n-- part: state\nstate\n"
    )
    monkeypatch.setitem(sys.modules, "lamps", SimpleNamespace(__file__=str(tmp_path / "__init__.py")))
    assert Queries("lamps", "lamps.sql") == {"list": "SELECT name, state FROM lamps"}
    (folder / "lamps.sql").write_text("-- name: list\nSELECT {columns} FROM {table}\n")
    assert Queries("lamps", "lamps.sql", {"columns": "name", "table": "lamps"})["list"] == "SELECT name FROM lamps"
    with pytest.raises(KeyError, match="table"):
        Queries("lamps", "lamps.sql", {"columns": "name"})


def test_the_search_of_the_past_is_written_once() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path("projections/sql").glob("*.sql")}
    assert [name for name, text in texts.items() if "json_each(:below)" in text] == ["versions.sql"]
    assert not [name for name, text in texts.items() if str(CURRENT) in text]


def test_a_statement_that_is_not_there_is_missed_at_once() -> None:
    with pytest.raises(KeyError):
        EVENTS["no_such_statement"]


def test_every_table_is_strict(connection: apsw.Connection) -> None:
    tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert {name for name, strict in tables if not strict} <= {"sqlite_schema", "sqlite_stat1"}
