"""The command `arc`, and `python -m arc`: the one door from the client's package to the hub.

The folders that the hub is made of (`cli`, `api`, …) have names that other projects use too, and agents run in other
projects' folders. So the hub's folder goes first on the path of this process, and the working directory off it. Until
then only `os` and `sys` are used, which Python has loaded before it looks anywhere.
"""

from __future__ import annotations

import os.path
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: the arguments after the command's name; by default those of this process.
    """
    _set_path()
    from cli.main import main as run

    return run(sys.argv[1:] if argv is None else argv)


def _set_path() -> None:
    package = os.path.dirname(os.path.abspath(__file__))
    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        here = ""
    # `-m` puts the working directory first, and a script its own folder, where `http.py` hides a standard module.
    if sys.path and sys.path[0] in {"", here, package}:
        del sys.path[0]
    # A user's own `mcp` must not hide the one that the hub needs.
    named = [os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    sys.path.sort(key=lambda folder: os.path.abspath(folder) in named)
    # A wheel carries the hub inside the package; a checkout, installed editable or not, has it beside the package.
    hub = os.path.join(package, "_hub")
    sys.path.insert(0, hub if os.path.isdir(hub) else os.path.dirname(package))


if __name__ == "__main__":
    sys.exit(main())
