"""Tables and lines for people: columns that line up, and nothing that a terminal would obey."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final

GAP: Final = "  "


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows below their headings; on a terminal, a line that is too long is cut.

    Numbers stand at the right of their column, a None is empty.
    """
    cells = [[printable("" if value is None else str(value)) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in [headings, *cells]) for column in range(len(headings))]
    numeric = [
        bool(cells) and all(row[column].replace(",", "").isdigit() for row in cells) for column in range(len(headings))
    ]
    for row in [headings, *cells]:
        columns = zip(row, widths, numeric, strict=True)
        print_line(GAP.join(f"{cell:>{width}}" if right else f"{cell:<{width}}" for cell, width, right in columns))


def print_line(text: str) -> None:
    """Print one line, cut to the width of the terminal if it is one."""
    line = printable(text.rstrip())
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(line if width is None or len(line) <= width else f"{line[: width - 1]}…")


def printable(text: str) -> str:
    """A text on one line: what a terminal would obey is shown, not sent."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
