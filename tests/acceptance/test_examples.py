"""Each example in the docs runs as it is, and prints what it says at its top."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.tools import require_tool

EXAMPLES = CHECKOUT / "docs" / "examples"
OVER_A_HUB = sorted(EXAMPLES.glob("*.py"))
WITH_A_HUB_OF_THEIR_OWN = sorted(EXAMPLES.glob("*.sh"))
SDK = "@modelcontextprotocol/sdk@1.32.2"


def said_to_print(example: Path) -> str:
    """The lines below `prints` at the top of an example."""
    text = re.sub(r"^(#|//)( |$)", "", example.read_text(), flags=re.MULTILINE)
    found = re.search(r"^prints\n\n((?:    .*\n)+)", text, flags=re.MULTILINE)
    assert found, "it says what it prints"
    return textwrap.dedent(found[1])


def environment() -> Mapping[str, str]:
    """What finds the command `arc` and `import arc` of this checkout, and the hub by the folder alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARC_")}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "PYTHONPATH": str(CHECKOUT)}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tmp_path).start()
    yield hub
    hub.stop()


@pytest.mark.parametrize("example", OVER_A_HUB, ids=lambda example: example.stem)
def test_an_example_prints_what_it_says(example: Path, hub: HubProcess) -> None:
    assert run(sys.executable, example, cwd=hub.home) == said_to_print(example)


@pytest.mark.parametrize("example", WITH_A_HUB_OF_THEIR_OWN, ids=lambda example: example.stem)
def test_an_example_with_a_hub_of_its_own_prints_what_it_says(example: Path, tmp_path: Path) -> None:
    assert run("sh", example, cwd=tmp_path) == said_to_print(example)


@pytest.mark.outer
@pytest.mark.timeout(200)
def test_the_example_in_typescript_prints_what_it_says(hub: HubProcess) -> None:
    npm, node = (require_tool(tool, install="apt-get install nodejs npm") for tool in ("npm", "node"))
    (hub.home / "package.json").write_text("{}")
    run(npm, "install", "--silent", "--no-audit", "--no-fund", SDK, cwd=hub.home)
    example = EXAMPLES / "mcp_typescript.mjs"
    shutil.copy(example, hub.home)
    assert run(node, example.name, hub.url, cwd=hub.home) == said_to_print(example)


def test_the_page_lists_each_example() -> None:
    page = (EXAMPLES / "README.md").read_text()
    names = {path.name for path in EXAMPLES.iterdir()} - {"README.md", "services"}
    assert {name for name in names if f"]({name})" not in page} == set()
