"""Named SQL."""

from pathlib import Path

import apsw
import pytest

from arclog.sqlite.queries import Queries
from arclog.sqlite.schema import EVENTS
from projections.all_projectors import PROJECTORS
from projections.checkpoints import CHECKPOINTS
from tests.support.plans import plan_of

# All but the statements that read a database of Arc 0.1.1, which has tables of its own.
FILES = [("arclog", path.name) for path in Path("arclog/sql").glob("*.sql")] + [
    ("projections", path.name) for path in Path("projections/sql").glob("*.sql") if path.name != "arc_011.sql"
]


@pytest.fixture
def connection() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for schema in (EVENTS["schema"], CHECKPOINTS["schema"]):
        connection.execute(schema)
    for projector in PROJECTORS:
        connection.execute(projector.schema)
        connection.execute(projector.indexes)
    return connection


@pytest.mark.parametrize(("package", "file_name"), FILES)
def test_every_statement_is_sql_over_the_tables_that_there_are(
    connection: apsw.Connection, package: str, file_name: str
) -> None:
    queries = Queries(package, file_name)
    assert queries
    for name, sql in queries.items():
        if name not in {"schema", "indexes"}:
            plan_of(connection, sql)


def test_a_statement_that_is_not_there_is_missed_at_once() -> None:
    with pytest.raises(KeyError):
        EVENTS["no_such_statement"]


def test_every_table_is_strict(connection: apsw.Connection) -> None:
    tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert {name for name, strict in tables if not strict} <= {"sqlite_schema", "sqlite_stat1"}
