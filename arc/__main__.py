"""The command `arc`, and `python -m arc`: the one door from the client's package to the hub.

The folders that the hub is made of (`cli`, `api`, …) have names that other projects use too, and agents run in other
projects' folders. So the hub's folder goes first on the path of this process, and the working directory off it. Until
then only `os` and `sys` are used, which Python has loaded before it looks anywhere.
"""

from __future__ import annotations

import os.path
import sys

NEEDED = frozenset({"apsw", "asyncinotify", "httptools", "msgspec", "starlette", "uvicorn", "uvloop"})
"""What the hub needs beside Python. The client and the commands of an agent need none of it."""

ADVICE = "pip install arclog, and use the arc that comes with it"


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: the arguments after the command's name; by default those of this process.
    """
    _set_path()
    from cli.main import main as run

    arguments = sys.argv[1:] if argv is None else argv
    try:
        return run(arguments)
    except ModuleNotFoundError as missing:
        needed = (missing.name or "").partition(".")[0]
        if needed not in NEEDED:
            raise
        return _run_elsewhere(arguments, needed)


def _run_elsewhere(arguments: list[str], needed: str) -> int:
    """Do it in the environment of this clone, where this is one; else say what is missing."""
    from cli.clone import is_clone, run_in_environment
    from cli.errors import CommandFailed

    why = f"the hub needs {needed}, which {sys.executable} does not have: {ADVICE}"
    try:
        if is_clone():
            return run_in_environment(arguments, needed)
    except KeyboardInterrupt:
        return 130
    except CommandFailed as error:
        why = str(error)
    print(f"arc error: {why}", file=sys.stderr)  # noqa: T201
    return 1


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
