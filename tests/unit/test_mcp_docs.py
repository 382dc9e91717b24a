"""The reference page of MCP names every tool with every argument, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

from api.mcp import resources
from api.mcp.tool import Tool, schema
from api.mcp.tools import TOOLS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "mcp.md").read_text()
SECTIONS = dict(re.findall(r"^### `(arc_\w+)`\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| (?:`([^`|]*)` |(required) )?\|", re.MULTILINE)


def test_every_tool_has_a_section_and_every_section_a_tool() -> None:
    assert list(SECTIONS) == [tool.name for tool in TOOLS]


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_a_section_says_what_the_tool_does_takes_and_answers(tool: Tool[Any]) -> None:
    section = SECTIONS[tool.name]
    described = schema(tool.arguments)  # what all take that change something is told once
    taken = {
        name: "required" if name in described.get("required", []) else _shown(one.get("default"))
        for name, one in described["properties"].items()
    }
    assert {name: default or required for name, default, required in ROW.findall(section)} == taken
    assert tool.does in " ".join(section.split())
    assert "\nAnswer: " in section


def test_every_resource_is_named() -> None:
    for uri in (resources.INBOX, resources.THREADS, *(template["uriTemplate"] for template in resources.TEMPLATES)):
        assert f"| `{uri}` |" in PAGE


def _shown(default: object) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
