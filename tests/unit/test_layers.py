"""Above the tables nobody holds a connection or speaks SQL, under whatever name."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT

WRITING_SIDE = Path("projections/hub/writing_side.py")
"""The one place that has a connection: the hub opens there what it writes through."""
ABOVE = [
    path.relative_to(CHECKOUT)
    for folder in ("api", "relay", "cli", "projections/hub")
    for path in sorted((CHECKOUT / folder).rglob("*.py"))
]
SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|BEGIN(\s+IMMEDIATE)?;?$|COMMIT;?$|ROLLBACK;?$|PRAGMA\s|"
    r"CREATE\s+(TABLE|INDEX))"
)
HOLDERS = {"Connection", "Cursor", "open_connection", "open_existing", "open_storage", "open_to_read"}
"""Names by which a connection could be had or named."""


def sins_of(tree: ast.Module) -> list[str]:
    """What a module does that is the business of the log and the tables."""
    sins = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if any(name.name.split(".")[0] in {"apsw", "sqlite3"} for name in names):
                sins.append(f"line {node.lineno} imports SQLite")
            case ast.ImportFrom(module=str(module), names=names):
                if module.split(".")[0] in {"apsw", "sqlite3"}:
                    sins.append(f"line {node.lineno} imports SQLite")
                elif module.startswith("arclog.sqlite") and HOLDERS & {name.name for name in names}:
                    sins.append(f"line {node.lineno} takes a connection")
            case ast.Constant(value=str(text)) if SQL.match(text):
                sins.append(f"line {node.lineno} speaks SQL")
            case _:
                pass
    return sins


@pytest.mark.parametrize("path", [path for path in ABOVE if path != WRITING_SIDE], ids=str)
def test_above_the_tables_nobody_speaks_sql_or_holds_a_connection(path: Path) -> None:
    assert sins_of(ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))) == []


def test_where_the_hub_opens_its_connection_nobody_speaks_sql() -> None:
    sins = sins_of(ast.parse((CHECKOUT / WRITING_SIDE).read_text(encoding="utf-8")))
    assert [sin.partition(" ")[2].partition(" ")[2] for sin in sins] == ["takes a connection"]


@pytest.mark.parametrize(
    "line",
    [
        "import apsw",
        "import apsw as a",
        "from apsw import Connection as C",
        "import sqlite3",
        "from arclog.sqlite.connection import Connection as C",
        "from arclog.sqlite.schema import open_existing as find",
        "snapshot.connection.execute('BEGIN')",
        "connection.execute('PRAGMA data_version')",
        "query = 'select 1'.upper() or 'SELECT 1'",
    ],
)
def test_whatever_it_is_called_it_is_found(line: str) -> None:
    assert len(sins_of(ast.parse(line))) == 1
