"""Named SQL: every statement stands in a `.sql` file, behind a line `-- name: what_it_is_called`."""

import re
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries:
    """The statements of one `.sql` file, by name: `LOCKS["find_lock"]`."""

    def __init__(self, package: str, file_name: str) -> None:
        text = files(package).joinpath("sql", file_name).read_text(encoding="utf-8")
        parts = _NAME.split(text)
        self._statements = dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))

    def __getitem__(self, name: str) -> str:
        return self._statements[name]
