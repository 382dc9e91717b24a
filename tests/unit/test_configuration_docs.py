"""The page on configuration names everything that can be set."""

import re

from cli.options import HubOptions
from tests.support.hub_process import CHECKOUT

PAGE = (CHECKOUT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
CODE = ["arc", "arclog", "projections", "api", "relay", "cli"]
OF_A_SCRIPT = {"ARC_INPUT", "ARC_END"}
"""Variables of the git hooks' own script, which nobody sets."""


def test_it_names_every_variable_of_the_environment() -> None:
    files = [path for folder in CODE for path in (CHECKOUT / folder).rglob("*") if path.suffix in {".py", ".js", ""}]
    text = "".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    assert set(re.findall(r"\bARC_[A-Z_]+\b", text)) - OF_A_SCRIPT == set(re.findall(r"`(ARC_\w+)`", PAGE))


def test_it_names_every_option_of_a_hub() -> None:
    fields = {name for kind in HubOptions.__mro__ for name in vars(kind).get("__annotations__", {})}
    assert {name for name in fields if f"`--{name.replace('_', '-')}`" not in PAGE} == set()
