"""The command `arc`, run to its end in a folder of the test's own, and the hubs that it leaves behind."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.hub_process import CHECKOUT
from tests.support.waiting import wait_until

PROGRAM = (sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py"))


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values that it printed, a line each."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class ArcCommand:
    """Runs `arc` in a folder.

    Attributes:
        folder: where.
        started: what was left running, by this one or one in a folder below.
    """

    folder: Path
    started: "list[subprocess.Popen[str]]" = field(default_factory=list, compare=False, repr=False)

    def __call__(self, *arguments: object, within_sec: float = 60, **environment: str) -> Ended:
        """Run a command that must leave no traceback."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=within_sec)
        assert "Traceback" not in err, err
        return Ended(process.returncode, out, err)

    def start(self, *arguments: object, **environment: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running, until `end` at the latest."""
        process = subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what still runs, and close every pipe: nothing is left to the next test, also where this one failed."""
        for process in self.started:
            with process:  # which closes the pipes and waits for the end
                process.kill()

    def inside(self, *parts: str) -> "ArcCommand":
        """The same in a folder below, made if it is missing."""
        folder = self.folder.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return ArcCommand(folder, self.started)


def find_hubs_below(folder: Path) -> list[int]:
    """The processes of hubs whose storage lies below `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "--storage" in arguments and arguments[arguments.index("--storage") + 1].startswith(
            (f"{folder}/", f"Z:{folder}/".replace("/", "\\"))  # as it is, and as Wine has it
        ):
            found.append(int(entry.parent.name))
    return found


def end_hubs_below(folder: Path) -> None:
    """End hubs as a power cut does, by process id, and wait until nothing of them listens any more."""
    pids = find_hubs_below(folder)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(map(_has_ended, pids)), what="the hubs to end")


def _has_ended(pid: int) -> bool:
    """Whether a process is no more; it loses its arguments long before its sockets."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in {"Z", "X"}
