"""Load from another process: `wrk` with a number of keep-alive connections."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, convert

from tests.benchmarks.figures import Missing

SCRIPT: Final = Path(__file__).parent / "wrk" / "requests.lua"


class Load(Struct, frozen=True):
    """What came of some load; times in microseconds.

    Attributes:
        requests: how many were answered.
        micros: how long it lasted.
        p50: the median time to the answer.
        p99: the time that 1 % exceeded.
        longest: the longest time.
        refused: connections that were refused.
        broken: connections that broke.
        timed_out: requests that were not answered within two seconds.
        failed: answers with a status of 400 or more.
    """

    requests: int
    micros: int
    p50: int
    p99: int
    longest: int
    refused: int
    broken: int
    timed_out: int
    failed: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / (self.micros / 1e6)

    @property
    def faults(self) -> int:
        """Everything that was not answered as it should be."""
        return self.refused + self.broken + self.timed_out + self.failed


class Request(Struct, frozen=True):
    """What is asked for, again and again.

    Attributes:
        method: the HTTP method.
        path: path and query.
        bodies: a file with a JSON body a line, sent in turn; a path before it counts instead of `path`.
    """

    method: str
    path: str
    bodies: Path | None = None

    @classmethod
    def post(cls, path: str, bodies: Sequence[dict[str, Any]], folder: Path) -> "Request":
        """A POST of each body in turn; the file is kept in `folder`."""
        file = folder / f"{path.strip('/').replace('/', '-')}-{len(bodies)}.jsonl"
        file.write_text("".join(f"{json.dumps(body)}\n" for body in bodies))
        return cls("POST", path, file)

    @classmethod
    def posts(cls, calls: Sequence[tuple[str, dict[str, Any]]], file: Path) -> "Request":
        """A POST of each body to the path before it, in turn; they are kept in `file`."""
        file.write_text("".join(f"{path} {json.dumps(body)}\n" for path, body in calls))
        return cls("POST", calls[0][0], file)


def load(url: str, request: Request, connections: int, sec: int) -> Load:
    """Put load on a server.

    Args:
        url: the server.
        request: what to ask.
        connections: how many connections ask at the same time, each for one thing after the other.
        sec: for how long.

    Raises:
        Missing: there is no `wrk` on this machine.
    """
    if shutil.which("wrk") is None:
        raise Missing("wrk is missing: apt-get install wrk, or brew install wrk")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{sec}", "-s", str(SCRIPT), url, "--", request.method, request.path]
    if request.bodies is not None:
        command.append(str(request.bodies))
    done = subprocess.run(command, capture_output=True, text=True, timeout=sec + 30, check=True)
    return convert(json.loads(done.stdout.splitlines()[-1]), Load)
