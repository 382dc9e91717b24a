"""The official TypeScript client, from npm: whatever it gives up is shown to its next poll."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.tools import require_tool

PACKAGE = "@modelcontextprotocol/sdk@1.32.2"
PROGRAM = Path(__file__).parents[1] / "support" / "mcp_race.mjs"
OLDEST_NODE = 18
FETCH_WITHIN_SEC = 100


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that plays the races, with the package fetched once."""
    npm, node = (require_tool(tool, install="apt-get install nodejs npm") for tool in ("npm", "node"))
    version = subprocess.check_output([node, "--version"], text=True).strip().lstrip("v")
    if int(version.split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"the TypeScript SDK needs Node.js {OLDEST_NODE} or newer, and this is {version}")
    home = tmp_path_factory.mktemp("typescript")
    (home / "package.json").write_text("{}")
    fetched = subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", PACKAGE],
        cwd=home,
        capture_output=True,
        timeout=FETCH_WITHIN_SEC,
        check=False,
    )
    if fetched.returncode:
        pytest.skip(f"npm cannot fetch {PACKAGE}")
    shutil.copy(PROGRAM, home)
    return [node, str(home / PROGRAM.name)]


@pytest.mark.parametrize("count", [25, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])], ids=str)
@pytest.mark.parametrize("way", ["timeout", "cancel"])
@pytest.mark.parametrize("road", ["http", "stdio"])
def test_a_poll_that_the_client_gives_up_loses_nothing(
    hub: HubProcess, program: list[str], road: str, way: str, count: int
) -> None:
    server = [sys.executable, "-m", "arc", "mcp", "--agent", "alice", "--base-url", hub.url]
    done = subprocess.run(
        [*program, road, hub.url, str(count), way, *server],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"said": count, "lost": 0, "first": []}
