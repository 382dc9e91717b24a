"""`arc bench`: ten seconds that tell whether this machine and its disk are fast enough for a hub."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cli.arguments import Arguments, Namespace
from cli.bench.measuring import Posts, running_hub, time_flushes, time_posts, time_wakes
from cli.output import print_json
from cli.paths import working_directory

CLIENTS: Final = 16


class Length(NamedTuple):
    """How long each thing is measured, in seconds, and how often an agent is woken."""

    flush_sec: float = 1.0
    warm_up_sec: float = 0.5
    many_sec: float = 3.0
    one_sec: float = 1.5
    wakes: int = 120


USUAL: Final = Length()

NO_FLUSH_MS: Final = 0.02
"""No disk keeps anything faster than this: what does has only taken note of it."""
SLOW_FLUSH_MS: Final = 10.0
SLOW_POSTS: Final = 1_000
SLOW_POSTS_ALONE: Final = 100
SLOW_WAKE_MS: Final = 10.0


class Options(Namespace):
    """Where, and how to print it."""

    folder: str
    json: bool


class Result(NamedTuple):
    """What was measured; durations in milliseconds."""

    folder: str
    flush_p50_ms: float
    flush_p99_ms: float
    posts_per_sec: float
    posts_p50_ms: float
    posts_p99_ms: float
    posts_alone_per_sec: float
    posts_alone_p50_ms: float
    posts_alone_p99_ms: float
    wake_p50_ms: float
    wake_p99_ms: float


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--folder", default=".", metavar="DIR", help="a folder on the disk to measure (the working directory)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: Options, length: Length = USUAL) -> int:
    """Measure, and print each figure beside what is normal; 0 however slow it is."""
    folder = working_directory() / options.folder
    with tempfile.TemporaryDirectory(prefix=".arc-bench-", dir=folder) as scratch:
        result = _measure(Path(scratch), folder, length)
    if options.json:
        print_json(result._asdict())
    else:
        _tell(result, length)
    return 0


def _measure(scratch: Path, folder: Path, length: Length) -> Result:
    flushes = time_flushes(scratch, length.flush_sec)
    with running_hub(scratch) as port:
        time_posts(port, CLIENTS, length.warm_up_sec)
        many, one = time_posts(port, CLIENTS, length.many_sec), time_posts(port, 1, length.one_sec)
        wakes = time_wakes(port, length.wakes)
    return Result(str(folder), *_middle_and_tail(flushes), *_figures(many), *_figures(one), *_middle_and_tail(wakes))


def _figures(posts: Posts) -> tuple[float, float, float]:
    return round(posts.per_sec, 1), *_middle_and_tail(posts.took_sec)


def _middle_and_tail(times_sec: Sequence[float]) -> tuple[float, float]:
    """The median, and what one in a hundred exceeds, in milliseconds."""
    ordered = sorted(times_sec)
    return round(1000 * ordered[len(ordered) // 2], 3), round(1000 * ordered[len(ordered) * 99 // 100], 3)


def _tell(result: Result, length: Length) -> None:
    print(f"the disk of {result.folder}, and a hub on it for {length.many_sec + length.one_sec:g} seconds\n")
    _line("flush of 4 KiB to disk", f"{result.flush_p50_ms:.2f} ms", result.flush_p99_ms, "0.05 to 5 ms")
    _line(
        f"durable posts, {CLIENTS} agents at once",
        f"{result.posts_per_sec:,.0f}/s",
        result.posts_p99_ms,
        "2,000/s and more",
    )
    _line("durable posts, 1 agent", f"{result.posts_alone_per_sec:,.0f}/s", result.posts_alone_p99_ms, "200/s and more")
    _line("post until a waiting agent has it", f"{result.wake_p50_ms:.2f} ms", result.wake_p99_ms, "1 to 8 ms")
    print()
    for sentence in _assess(result):
        print(sentence)


def _line(what: str, figure: str, p99_ms: float, normal: str) -> None:
    print(f"  {what:<34} {figure:>10}   p99 {p99_ms:7.2f} ms   normal: {normal}")


def _assess(result: Result) -> list[str]:
    """What the figures mean, and what can be done."""
    found: list[str] = []
    if result.flush_p50_ms < NO_FLUSH_MS:
        found.append(
            "This disk answers faster than a disk can write: it is in memory, or passes flushes over. What a hub "
            "acknowledges here may be lost in a power cut."
        )
    if result.flush_p50_ms > SLOW_FLUSH_MS:
        found.append(
            "The disk is slow to flush, and every post waits for that: put the storage on a local SSD with --storage."
        )
    slow = (
        result.posts_per_sec < SLOW_POSTS
        or result.posts_alone_per_sec < SLOW_POSTS_ALONE
        or result.wake_p50_ms > SLOW_WAKE_MS
    )
    if slow and not found:
        found.append("The disk is fast enough, the hub is not: look for what else keeps the processor busy.")
    return found or ["All of it is as it should be."]
