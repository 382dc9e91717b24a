"""What the commands that read share: where to ask, of which moment, and how to print what comes."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from arclog.limits import MAX_ANSWER_BYTES
from cli.arguments import Arguments, Namespace
from cli.options import add_base_url, moment
from cli.output import to_json
from cli.tables import print_table

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], object]]
"""A column's heading, and what stands in it."""


class ReadOptions(Namespace):
    """Where to ask, of which moment, and how to print it."""

    base_url: str | None
    as_of: str | None
    json: bool


def add_read_options(parser: Arguments) -> None:
    """Declare `ReadOptions`."""
    parser.add_argument(
        "--as-of",
        type=moment,
        metavar="N",
        help="how it was right after event N, or at a time such as 2026-11-22T12:00:00Z",
    )
    parser.add_argument("--json", action="store_true", help="the hub's JSON, on one line")
    add_base_url(parser)


def fetch(options: ReadOptions, path: str, **query: object) -> Row:
    """The envelope of a read's answer.

    Args:
        options: where to ask, and of which moment.
        path: the path, encoded.
        query: its parameters; those that are None or False are left out.

    Raises:
        ArcError: the hub refused, or is not there.
    """
    from arc.http import HttpTransport

    query |= {"as_of": options.as_of, "max_bytes": MAX_ANSWER_BYTES}
    asked = {name: value for name, value in query.items() if value not in {None, False}}
    text = urlencode({name: "1" if value is True else value for name, value in asked.items()})
    return HttpTransport(options.base_url).call("GET", f"{path}?{text}" if text else path)


def list_all(options: ReadOptions, path: str, key: str, **query: object) -> list[Row]:
    """All rows of a list, however many answers it takes.

    Args:
        options: where to ask, and of which moment.
        path: the path.
        key: the field that names a row.
        query: its parameters.

    Raises:
        ArcError: the hub refused, or is not there.
    """
    answer = fetch(options, path, **query)
    rows: list[Row] = answer["result"]
    while answer.get("more"):
        answer = fetch(options, path, after=rows[-1][key], **query)
        rows += answer["result"]
    return rows


def print_rows(options: ReadOptions, rows: Sequence[Row], columns: Sequence[Column]) -> int:
    """Print rows as a table, or as JSON where that was asked for; 0."""
    if options.json:
        print(to_json(rows))
    else:
        print_table(
            [heading for heading, _cell in columns], [[cell(row) for _heading, cell in columns] for row in rows]
        )
    return 0


def field(name: str) -> Callable[[Row], object]:
    """A column that shows a field as it is."""
    return lambda row: row[name]


def second(name: str) -> Callable[[Row], object]:
    """A column that shows a time to the second."""
    return lambda row: None if row[name] is None else f"{row[name][:19]}Z"
