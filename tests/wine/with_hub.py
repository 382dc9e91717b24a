"""Run a program beside a hub on Windows: `python -m tests.wine.with_hub PROGRAM ARGUMENTS…` adds `--url URL`.

The exit code is the program's.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.windows_python import WindowsPython
from tests.support.windows_setup import make_laboratory


def main() -> int:
    """Start the hub, run the program, end the hub."""
    make_laboratory()
    with TemporaryDirectory() as folder, WindowsPython(Path(folder)).hub("--quiet") as hub:
        return subprocess.run([*sys.argv[1:], "--url", hub.url], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
