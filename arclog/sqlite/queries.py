"""Named SQL: every statement stands in a `.sql` file, after a line `-- name: what_it_is_called`.

What several statements have in common stands there once, after a line `-- part: what_it_is_called`, and is put in where
a statement, or another part, says `{what_it_is_called}`.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

_HEADING: Final = re.compile(r"^-- (name|part): (\w+)$", re.MULTILINE)
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Queries(dict[str, str]):
    """The statements of one `.sql` file, by name: `SQL["find"]`.

    Args:
        package: the package in whose folder `sql` the file is.
        file_name: the file.
        parts: parts that the file uses and does not have itself.

    Attributes:
        parts: all parts by name, with the parts in them put in.

    Raises:
        KeyError: a part is used that is nowhere.
    """

    def __init__(self, package: str, file_name: str, parts: Mapping[str, str] = MappingProxyType({})) -> None:
        # Not by importlib.resources: the commands that read a storage would take a tenth longer to start.
        folder = Path(str(sys.modules[package].__file__)).parent
        _, *found = _HEADING.split((folder / "sql" / file_name).read_text(encoding="utf-8"))
        statements = dict[str, str]()
        own = dict(parts)
        for what, name, text in zip(found[::3], found[1::3], found[2::3], strict=True):
            (own if what == "part" else statements)[name] = text.strip()
        self.parts: Final = {name: _fill(text, own) for name, text in own.items()}
        super().__init__((name, _fill(text, self.parts)) for name, text in statements.items())


def _fill(text: str, parts: Mapping[str, str]) -> str:
    """A text with the parts that it names, and those that they name."""
    return _PLACE.sub(lambda place: _fill(parts[place[1]], parts), text)
