"""A package's docstring is the map of its folder: every module of it is on the map."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT

ONE_MODULE_A_NOUN = frozenset(
    {
        "api/mcp/tools",
        "arclog/events",
        "cli",
        "cli/bench",
        "cli/leases",
        "cli/log",
        "cli/read",
        "cli/task",
        "cli/tokens",
    }
)
"""Folders whose modules have the names of nouns or commands, so that a list would say nothing."""
OF_EVERY_PACKAGE = {"__init__", "__main__"}
PACKAGES = [
    path.parent
    for room in ("arclog", "projections", "api", "relay", "cli", "arc")
    for path in sorted((CHECKOUT / room).rglob("__init__.py"))
    if path.parent.relative_to(CHECKOUT).as_posix() not in ONE_MODULE_A_NOUN
]


def map_of(package: Path) -> str:
    """What a package says of its modules."""
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_every_module_is_named_in_the_docstring_of_its_package(package: Path) -> None:
    modules = {path.stem for path in package.glob("*.py")} - OF_EVERY_PACKAGE
    modules |= {path.parent.name for path in package.glob("*/__init__.py")}
    assert modules - set(re.findall(r"\w+", map_of(package))) == set()
