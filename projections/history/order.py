"""The order in which people look for a name: by letters, but numbers by their size, so `task/9` is before `task/10`."""

import re
from typing import Final

_NUMBER: Final = re.compile("[0-9]+")


def natural_order(name: str) -> tuple[str, str]:
    """A key to sort names by; those that differ in leading zeros alone are sorted by letters."""
    return _NUMBER.sub(_with_length, name), name


def _with_length(number: re.Match[str]) -> str:
    """A number after the number of its digits: then the letters are in the order of the sizes."""
    digits = number[0].lstrip("0")
    return f"{len(digits):06}{digits}"
