"""Programs without a network, as in a sandbox."""

import subprocess
from typing import Final

import pytest

WAYS: Final = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
"""To start a program without a network: as root, and as another user where the system lets one."""


def _find_way(*more: str) -> list[str]:
    for way in WAYS:
        try:
            if subprocess.run([*way, *more, "true"], capture_output=True, check=False).returncode == 0:
                return [*way, *more]
        except OSError:
            break
    return []


CUT_OFF: Final = _find_way()
"""What a command begins with that is to have no network; empty where the system has no such way."""
needs_sandbox: Final = pytest.mark.skipif(not CUT_OFF, reason="no process without a network can be started here")
HIDDEN: Final = _find_way("--pid", "--fork", "--mount-proc")
"""The same, and no process outside can be seen."""
needs_hiding: Final = pytest.mark.skipif(not HIDDEN, reason="no process that sees no other can be started here")
