"""A hub whose turns at a log on PostgreSQL are timed: `tests.benchmarks.turns` starts it in place of `arc`.

The sums go to a file of its own beside the one that `ARC_TIMED` names, when the hub ends.
"""

import atexit
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from arclog.postgresql.engine import PostgresqlEngine
from arclog.postgresql.line import Line
from arclog.sqlite.log import Log
from cli.main import main
from projections.hub.group_commit import GroupCommit
from projections.hub.recorder import Recorder
from projections.hub.writing_side import WritingSide

Told = Callable[..., None]
HELD: Final = "the lock is held, as the hub sees it"
ASKED: Final = "the lock is asked for"
HOPS: Final = "from the thread to the loop, once with the lock"
CALLS: Final = "calls"

_sums: dict[str, tuple[int, float]] = {}
_began: dict[str, float] = {}


def add(step: str, amount: float) -> None:
    """Count a step that took so many seconds, or so many calls."""
    count, total = _sums.get(step, (0, 0.0))
    _sums[step] = count + 1, total + amount


def begin(step: str, *_arguments: object) -> None:
    """A step that ends elsewhere begins."""
    _began[step] = time.perf_counter()


def end(step: str, *_arguments: object) -> None:
    """A step ends that has begun elsewhere, if it has."""
    began_at = _began.pop(step, None)
    if began_at is not None:
        add(step, time.perf_counter() - began_at)


def time_it(kind: type, name: str, step: str, before: Told | None = None, after: Told | None = None) -> None:
    """Have each call of a method timed.

    Args:
        kind: whose method.
        name: its name.
        step: what it is counted as.
        before: called first, with the method's arguments.
        after: called last, with them.
    """
    method = getattr(kind, name)

    def timed(*arguments: Any, **options: Any) -> object:
        if before is not None:
            before(*arguments)
        began_at = time.perf_counter()
        try:
            return method(*arguments, **options)
        finally:
            add(step, time.perf_counter() - began_at)
            if after is not None:
                after(*arguments)

    setattr(kind, name, timed)


def begin_holding(*_arguments: object) -> None:
    """The lock is asked for: it is held from when the server's answer comes, which is before that is read."""
    _began.pop(HELD, None)
    _began[ASKED] = 0.0


def hear(*_arguments: object) -> None:
    """Something came from the server."""
    if _began.pop(ASKED, None) is not None:
        begin(HELD)


def count_calls(_commits: object, commit: Any) -> None:
    end(HOPS)
    add(CALLS, len(commit.answers))


def write_down() -> None:
    Path(f"{os.environ['ARC_TIMED']}.{os.getpid()}").write_bytes(msgspec.json.encode(_sums))


STEPS: Final = (
    (Line, "_wait", "the server is waited for, whatever it was asked", None, hear),
    (PostgresqlEngine, "hold", "the lock and a round trip are waited for", begin_holding, None),
    (Log, "_catch_up", "with the lock: others' events are added", None, None),
    (WritingSide, "_catch_up", "with the lock: the rows that follow from them", None, None),
    (GroupCommit, "_take_lock", "all of that, on the thread", None, partial(begin, HOPS)),
    (Recorder, "stage", "with the lock: deciding", None, None),
    (PostgresqlEngine, "hasten", "with the lock: the batch is sent", None, partial(end, HELD)),
    (GroupCommit, "_stage_more", "these two, on the loop", partial(end, HOPS), None),
    (PostgresqlEngine, "append", "commit and barrier are waited for", None, None),
    (Log, "keep", "the copy commits", None, None),
    (GroupCommit, "_flush_on_thread", "these two, on the thread", None, partial(begin, HOPS)),
    (GroupCommit, "_finish", "callers are told", count_calls, None),
    (WritingSide, "follow", "following, without the lock", None, None),
)
"""What is timed: whose method, its name, what it is counted as, and what is done before and after."""
ORDER: Final = (*(step for _kind, _name, step, _before, _after in STEPS), HOPS, HELD)


if __name__ == "__main__":
    for _kind, _name, _step, _before, _after in STEPS:
        time_it(_kind, _name, _step, _before, _after)
    atexit.register(write_down)
    sys.exit(main(sys.argv[1:]))
