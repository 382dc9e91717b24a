"""The recorder alone: microseconds of processor time a call, one after another, for each line that is asked for.

python tests/benchmarks/programs/recorder_cpu.py post:1 post:16 lock:16 pair:16 claim:16

A line is what is asked for, and how many calls are in a batch: posts, locks that are renewed, locks that are taken and
given back in turns, claims that are renewed. It runs in an older checkout too, so it looks for what has moved.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError
from tests.support.recorders import recording

WARM_UP: Final = 512
CALLS: Final = 4_096
SENDERS: Final = 16
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there, since flushes cost little in memory


def _find_call() -> Any:
    """The class of calls, in its present place or in its former one."""
    try:
        return import_module("projections.hub.calls").Call
    except ModuleNotFoundError:
        return import_module("projections.calls").Call


Call: Final = _find_call()


def _post(number: int) -> object:
    body = "The build is green again, see the artifact."
    return PostMessage(from_agent=f"bench-{number % SENDERS}", channel="general", body=body)


def _lock(number: int) -> object:
    return AcquireLock(agent_id=f"bench-{number % SENDERS}", file_path=f"src/part-{number % SENDERS}.py")


def _pair(number: int) -> object:
    if number // SENDERS % 2 == 0:
        return _lock(number)
    return ReleaseLock(agent_id=f"bench-{number % SENDERS}", file_path=f"src/part-{number % SENDERS}.py")


def _claim(number: int) -> object:
    return AcquireClaim(owner_agent_id=f"bench-{number % SENDERS}", claim_key=f"key-{number % SENDERS}")


COMMANDS: Final[dict[str, Callable[[int], object]]] = {"post": _post, "lock": _lock, "pair": _pair, "claim": _claim}


def _must_be_accepted(result: object) -> None:
    if isinstance(result, ArcError):
        raise result


def _run(recorder: Any, make: Callable[[int], object], calls: int, batch: int) -> float:
    gc.collect()
    began = time.process_time()
    for first in range(0, calls, batch):
        made = [Call(make(number), _must_be_accepted, "http") for number in range(first, first + batch)]
        recorder.transact(made).tell()
    return (time.process_time() - began) * 1e6 / calls


if __name__ == "__main__":
    for line in sys.argv[1:]:
        what, _, size = line.partition(":")
        with (
            tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
            recording(Path(folder) / "arc.sqlite3") as recorder,
        ):
            _run(recorder, COMMANDS[what], WARM_UP, int(size))
            print(f"{_run(recorder, COMMANDS[what], CALLS, int(size)):.2f}")
