"""Named SQL: every statement stands in a `.sql` file, after a line `-- name: what_it_is_called`."""

import re
import sys
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries(dict[str, str]):
    """The statements of one `.sql` file, by name: `SQL["find"]`."""

    def __init__(self, package: str, file_name: str) -> None:
        # Not by importlib.resources: the commands that read a storage would take a tenth longer to start.
        folder = Path(str(sys.modules[package].__file__)).parent
        text = (folder / "sql" / file_name).read_text(encoding="utf-8")
        parts = _NAME.split(text)
        super().__init__(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))
