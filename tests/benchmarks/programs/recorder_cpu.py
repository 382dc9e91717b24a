"""The recorder alone, in batches of each of the given sizes: microseconds of processor time a post, one after another.

python tests/benchmarks/programs/recorder_cpu.py 1 16
"""

import gc
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError
from projections.hub.calls import Call
from projections.hub.recorder import Recorder
from tests.support.recorders import recording

WARM_UP: Final = 500
POSTS: Final = 4_000
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there, since flushes cost little in memory


def _post(number: int) -> Call:
    body = "The build is green again, see the artifact."
    command = PostMessage(from_agent=f"bench-{number % 16}", channel="general", body=body)
    return Call(command, _must_be_accepted, "http")


def _must_be_accepted(result: object) -> None:
    if isinstance(result, ArcError):
        raise result


def _run(recorder: Recorder, posts: int, batch: int) -> float:
    gc.collect()
    began = time.process_time()
    for first in range(0, posts, batch):
        recorder.transact([_post(number) for number in range(first, first + batch)]).tell()
    return (time.process_time() - began) * 1e6 / posts


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        recording(Path(folder) / "arc.sqlite3") as recorder,
    ):
        for batch in map(int, sys.argv[1:]):
            _run(recorder, WARM_UP // batch * batch, batch)
            print(f"{_run(recorder, POSTS // batch * batch, batch):.2f}")
