"""Commands that a test runs to their end."""

import subprocess
from pathlib import Path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """The standard output of a command that must succeed; when it does not, the failure shows all that it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
