"""Patches in the form of `apply_patch`, which some models give to a tool and others to the shell."""

import re
from typing import Final

_PATCHED: Final = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\s*$", re.MULTILINE)


def paths_of_patch(text: str) -> tuple[str, ...]:
    """The files that a patch in the form of `apply_patch` adds, changes, deletes or moves, each once."""
    return tuple(dict.fromkeys(match[1] for match in _PATCHED.finditer(text)))
