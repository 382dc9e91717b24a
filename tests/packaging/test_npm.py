"""The npm package runs the Python program that it carries, as if it were that program."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from arc.finding.probe import find_hub_at
from tests.packaging.conftest import Distribution
from tests.support.commands import run
from tests.support.hub_process import CHECKOUT
from tests.support.ports import find_free_port
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Installed:
    """The package in a folder of its own, and the cache that its environment is in."""

    arc: Path
    cache: Path

    def environment(self, **more: str) -> Mapping[str, str]:
        """What a user has who has never run a Python package: no virtual environment is active."""
        kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
        return {**kept, "XDG_CACHE_HOME": str(self.cache), "ARC_PYTHON": sys.executable, **more}

    def run(self, *words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        return subprocess.run(
            [self.arc, *words],
            cwd=cwd,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(distribution: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    npm = require_tool("npm", install="apt-get install npm")
    folder = tmp_path_factory.mktemp("npm")
    packed = run(sys.executable, CHECKOUT / ".ci" / "npm_package.py", distribution.wheel, folder).strip()
    run(npm, "install", "--silent", "--offline", "--global", "--prefix", folder / "prefix", packed)
    return Installed(folder / "prefix" / "bin" / "arc", folder / "cache")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.whl", "."], "there is no wheel nothing.whl"),
        (["README.md", "nowhere"], "there is no folder nowhere: make it first"),
        ([], "usage: npm_package.py WHEEL FOLDER"),
    ],
)
def test_what_cannot_be_packed_is_told_in_one_line(arguments: list[str], said: str) -> None:
    command: list[str | Path] = [sys.executable, CHECKOUT / ".ci" / "npm_package.py", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}\n")


def test_first_starts_at_the_same_moment_all_work_and_later_ones_need_no_network(
    installed: Installed, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(3) as pool:
        starts = list(pool.map(lambda _: installed.run("--version", cwd=tmp_path), range(3)))
    assert {(start.returncode, start.stdout) for start in starts} == {(0, starts[0].stdout)}, starts
    assert starts[0].stdout.startswith("arc ")
    (environment,) = (installed.cache / "arclog").iterdir()
    unshare = require_tool("unshare", install="apt-get install util-linux")
    alone: list[str | Path] = [unshare, "--net"] if os.geteuid() == 0 else []
    without = installed.environment(PIP_INDEX_URL="http://127.0.0.1:9/", PIP_NO_INDEX="1")
    command = [*alone, installed.arc, "--version"]
    later = subprocess.run(command, cwd=tmp_path, env=without, capture_output=True, text=True, timeout=60, check=False)
    assert (later.returncode, later.stdout, later.stderr) == (0, starts[0].stdout, "")
    assert environment.name == f"arclog-{starts[0].stdout.split()[1]}"


def test_arguments_streams_and_the_exit_code_are_those_of_the_program(installed: Installed, tmp_path: Path) -> None:
    odd = installed.run("help", "no such", "ä b", cwd=tmp_path)
    assert (odd.returncode, odd.stdout) == (2, "")
    assert odd.stderr.endswith("arc error: no command or topic is called no such ä b: arc help lists them\n")
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    host = subprocess.run(
        [installed.arc, "mcp"],
        cwd=tmp_path,
        env=installed.environment(),
        input=json.dumps(hello) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(host.stdout.splitlines()[0]) == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_a_hub_is_started_and_stopped_through_it(installed: Installed, tmp_path: Path) -> None:
    where = ["--port", str(find_free_port()), "--storage", str(tmp_path / "arc.sqlite3")]
    try:
        assert json.loads(installed.run("ensure", *where, cwd=tmp_path).stdout)["started"]
    finally:
        assert json.loads(installed.run("stop", *where, cwd=tmp_path).stdout)["stopped"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_reaches_the_hub_that_runs_in_its_foreground(installed: Installed, tmp_path: Path, name: str) -> None:
    port = find_free_port()
    where = ["--port", str(port), "--storage", str(tmp_path / "arc.sqlite3"), "--quiet"]
    shim = subprocess.Popen(
        [installed.arc, *where], cwd=tmp_path, env=installed.environment(), stdin=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: find_hub_at(f"http://127.0.0.1:{port}", 1.0), within_sec=60, what="the hub")
        shim.send_signal(signal.Signals[name])
        assert shim.wait(timeout=30) == 0
        assert not (tmp_path / ".arc.pid").exists()
    finally:
        shim.kill()


def test_without_python_and_uv_it_says_what_to_install(installed: Installed, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "node").symlink_to(shutil.which("node") or "")
    done = installed.run("--version", cwd=tmp_path, PATH=str(tools), ARC_PYTHON="", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "Arc needs Python 3.11 or newer, or uv: install it from https://www.python.org/downloads/" in done.stderr
