"""A real hub that starts in a tenth of the time: a process that has imported everything already forks for each start.

So a hub can be killed and started a thousand times in a few minutes. Each start is a process of its own all the same,
with a storage that it opens, a port that it binds, and a SIGKILL that it does not survive.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.hub_process import CHECKOUT, HubProcess

PROGRAM = """
import json, os, signal, sys
import api.app, cli.hubs.serve, cli.hubs.wiring, projections.hub.hub, relay.relay, uvicorn, uvloop
from cli.main import main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ends is not waited for
for line in sys.stdin:
    asked = json.loads(line)
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])
        appended = os.O_WRONLY | os.O_APPEND
        for number, (path, flags) in enumerate(((os.devnull, os.O_RDONLY), *((asked["log"], appended),) * 2)):
            os.dup2(os.open(path, flags), number)
        os._exit(main(asked["arguments"]))
    print(pid, flush=True)
"""


class Forked:
    """A process that was forked elsewhere, as far as `HubProcess` asks of one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        """None while it is there; how it ended is not known."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return -1
        return None

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 10.0) -> int:
        give_up_at = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > give_up_at:
                raise subprocess.TimeoutExpired("the hub", timeout)
            time.sleep(0.002)
        return -1


class Forge:
    """What forks hubs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Forked:
        """Start a hub with the arguments of a command."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": [*command], "folder": str(folder), "environment": dict(environment), "log": str(log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Forked(int(self._process.stdout.readline()))


@contextmanager
def forging() -> Iterator[Forge]:
    """A forge, ended at the end of the block; the hubs are their owners' to end."""
    surroundings = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings
    ) as process:
        try:
            yield Forge(process)
        finally:
            process.kill()


class ForkedHub(HubProcess):
    """A hub process that a forge starts."""

    forge: Forge

    @classmethod
    def of(cls, forge: Forge, home: Path) -> "ForkedHub":
        """A hub, not yet started, that keeps everything in the folder `home`."""
        hub = cls(home, home / "arc.sqlite3", home / ".arc-relay")
        hub.forge = forge
        return hub

    def spawn(self, arguments: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Forked:
        return self.forge.start(arguments, self.home, environment, Path(log.name))
