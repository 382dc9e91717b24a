"""A clone that nobody has installed: `python3 arc ensure` there finds its environment or makes it, and goes on in it.

The client and an agent's commands need nothing but Python. The hub needs more, so the first command that does makes
`.venv` in the clone, as `make hub` would.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from cli.errors import CommandFailed
from cli.hubs.storage_lock import holding
from cli.output import print_note

NEEDED: Final = frozenset(
    {"apsw", "asyncinotify", "httptools", "msgspec", "prometheus_client", "starlette", "uvicorn", "uvloop"}
)
"""What the hub needs beside Python. The client and the commands of an agent need none of it."""
ADVICE: Final = "pip install arclog, and use the arc that comes with it"
CLONE: Final = Path(__file__).resolve().parent.parent
ENVIRONMENT: Final = CLONE / ".venv"
PYTHON: Final = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
WAIT_SEC: Final = 600.0
"""How long a second command waits while the first one installs."""
NO_VENV: Final = "this Python cannot make a virtual environment (Debian, Ubuntu: apt-get install python3-venv)"


def is_clone() -> bool:
    """Whether this code is a clone, and not a wheel that is installed; nor is its own environment what runs."""
    return (CLONE / "pyproject.toml").is_file() and Path(sys.prefix).resolve() != ENVIRONMENT.resolve()


def run_in_environment(arguments: list[str], needed: str) -> int:
    """Run the command in the clone's environment, which is made if need be, and return its exit code.

    The other process takes the place of this one, where the system can do that: a signal to the one is for the other.

    Args:
        arguments: what was typed after `arc`.
        needed: a module that the hub needs.

    Raises:
        CommandFailed: the environment cannot be made; it says why.
    """
    with holding(ENVIRONMENT / "any", time.monotonic() + WAIT_SEC):
        if not _has(needed):
            _make()
    command, environment = [str(PYTHON), "-P", "-m", "arc", *arguments], _environment()
    return _run_instead(command, environment)


if sys.platform == "win32":

    def _run_instead(command: list[str], environment: dict[str, str]) -> int:
        return subprocess.run(command, env=environment, check=False).returncode

else:

    def _run_instead(command: list[str], environment: dict[str, str]) -> int:
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted


def _environment() -> dict[str, str]:
    """Ours, without what would lead the other Python to the packages of this one."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "__PYVENV_LAUNCHER__"}}


def _has(module: str) -> bool:
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def _make() -> None:
    print_note(f"arc: installing what the hub needs into {ENVIRONMENT}, once ...")
    try:
        if not PYTHON.exists():
            _run(NO_VENV, sys.executable, "-m", "venv", str(ENVIRONMENT))
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", str(CLONE)]
        _run("pip cannot install what the hub needs", *pip)
    except OSError as error:
        raise CommandFailed(f"{ENVIRONMENT} cannot be made: {error}") from error


def _run(failure: str, *command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        said = done.stdout.strip().splitlines()
        raise CommandFailed(f"{failure}: {said[-1] if said else 'it says nothing'}")
