"""Tools that a test needs and a machine may lack."""

import shutil

import pytest


def require_tool(*names: str, install: str) -> str:
    """The path of the first tool that is there; without any, the test is skipped with the hint.

    Where `ARC_CI=1` a skip is a failure (see `tests/conftest.py`).

    Args:
        names: executables that will do, the best first.
        install: what to type to get one, as in `apt-get install strace`.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"{' or '.join(names)} is missing: {install}")
