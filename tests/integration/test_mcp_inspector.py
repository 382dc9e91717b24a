"""The MCP inspector's command line, from npm, at both roads."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from api.mcp.tools import TOOLS
from tests.support.hub_process import CHECKOUT
from tests.support.served_hub import ServedHub
from tests.support.tools import require_tool

INSPECTOR = "@modelcontextprotocol/inspector"
VERSIONS = (((22, 19), "2.12.0"), ((18, 0), "0.15.0"))
"""From which Node.js on which inspector runs."""
FETCH_WITHIN_SEC = 100


@pytest.fixture(scope="module")
def inspector() -> list[str]:
    """The command, with the package fetched once."""
    npx = require_tool("npx", install="apt-get install nodejs npm")
    node = require_tool("node", install="apt-get install nodejs npm")
    found = subprocess.check_output([node, "--version"], text=True).strip().lstrip("v")
    major, minor = (int(part) for part in found.split(".")[:2])
    version = next((inspector for least, inspector in VERSIONS if (major, minor) >= least), None)
    if version is None:
        pytest.skip(f"the MCP inspector needs Node.js 18 or newer, and this is {found}: install a newer Node.js")
    return [npx, "--yes", f"{INSPECTOR}@{version}", "--cli"]


@pytest.mark.parametrize("road", ["stdio", "http"])
def test_the_inspector_lists_and_calls_the_tools(inspector: list[str], hub: ServedHub, road: str) -> None:
    if road == "stdio":
        server = [sys.executable, "-m", "arc", "mcp", "--agent", "inspector", "--base-url", hub.url]
    else:
        server = [f"{hub.url}/mcp?agent=inspector", "--transport", "http"]
    listed = inspect([*inspector, *server, "--method", "tools/list"])
    assert [tool["name"] for tool in listed["tools"]] == [tool.name for tool in TOOLS]
    said = ["--method", "tools/call", "--tool-name", "arc_post_message", "--tool-arg", "channel=general", "body=hello"]
    called = inspect([*inspector, *server, *said])
    assert not called.get("isError"), called
    (message,) = hub.get("/v1/messages?channel=general").result
    assert (message["from_agent"], message["body"]) == ("inspector", "hello")


def inspect(command: list[str]) -> Any:
    """What the inspector prints."""
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=FETCH_WITHIN_SEC,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)
