"""Below the carriers nobody knows a route, an option or a command: what to do about an error stands in one table."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from api.hints import HINTS, TOOL_HINTS, tell, tell_tools
from arclog.errors import Advice, CursorBeyondHead, CutOff, InvalidInput, LoopbackOnly, OldDatabase

ROOT = Path(__file__).parents[2]
CARRIERS_WORDS = re.compile(
    r"/v1/|\b(GET|POST|DELETE) |(?<![\w-])--[a-z]|X-Arc-|Idempotency-Key|\barc_[a-z]+_|"
    r"\barc (-|log|mcp|stop|ensure|reset)"
)


def texts_in(source: str) -> list[str]:
    """The texts of a module that are no docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize("package", ["arclog", "projections"])
def test_nothing_below_the_carriers_tells_of_a_route_an_option_or_a_command(package: str) -> None:
    told = [
        (str(path.relative_to(ROOT)), text)
        for path in sorted((ROOT / package).rglob("*.py"))
        for text in texts_in(path.read_text())
        if CARRIERS_WORDS.search(text)
    ]
    assert told == []


def test_every_advice_has_its_hint() -> None:
    assert set(HINTS) == set(get_args(Advice))
    assert set(TOOL_HINTS) <= set(HINTS)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InvalidInput("body", "is required"), "body is required"),
        (
            InvalidInput("channel", "'x' does not exist", advice="create_channel"),
            "channel 'x' does not exist; create it first with POST /v1/channels",
        ),
        (
            LoopbackOnly("127.0.0.1", 6969),
            (
                "allow_remote cannot be switched on while the hub listens on 127.0.0.1 only; "
                "restart it with: arc --host 0.0.0.0 --port 6969 --allow-remote"
            ),
        ),
        (
            CursorBeyondHead("since_id", 9, 3),
            (
                "since_id 9 is beyond event 3, the last one there is: this storage was replaced or restored "
                "(see X-Arc-Instance); begin again, from 0 or from latest_visible_id"
            ),
        ),
        (
            OldDatabase("old.db"),
            (
                "old.db is a database of Arc 0.1.1; it is left as it is. Bring it into a new storage with: "
                "arc log import old.db --storage NEW, and go on with --storage NEW"
            ),
        ),
        (
            CutOff(8, 7),
            (
                "event 8 is not what was recorded: the log can be copied up to event 7 at most; "
                "give --to 7 or less; arc log verify says more"
            ),
        ),
    ],
)
def test_an_error_is_told_with_what_to_do_about_it(error: InvalidInput, text: str) -> None:
    assert tell(error) == text


def test_who_knows_tools_is_told_of_tools() -> None:
    told = tell(InvalidInput("channel", "'x' does not exist", advice="create_channel"))
    assert tell_tools(told, "create_channel") == "channel 'x' does not exist; create it first with arc_create_channel"
    assert tell_tools("body is required", None) == "body is required"
