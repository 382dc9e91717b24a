"""Where the time of a turn goes: hubs on PostgreSQL with a standby under load, each step of theirs timed.

python -m tests.benchmarks.turns 4 16      four hubs, each with 16 connections
"""

import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from tests.benchmarks.load import Request
from tests.benchmarks.machines import load_all, pair
from tests.benchmarks.posts import POST
from tests.benchmarks.timed_hub import CALLS, ORDER
from tests.support.hub_process import HubProcess

SEC: Final = 5
_decode: Final = msgspec.json.Decoder(dict[str, tuple[int, float]]).decode


def measure(count: int, connections: int) -> None:
    """Print what the hubs did, and how long each step took a turn."""
    with TemporaryDirectory() as name, pair() as url:
        folder = Path(name)
        hubs = [a_hub(folder, number, url) for number in range(count)]
        try:
            for hub in hubs:
                hub.start()
            loads = load_all(hubs, Request.post("/v1/messages", [POST], folder), connections, SEC)
        finally:
            for hub in hubs:
                hub.stop()
        sums: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        for path in folder.glob("timed.*"):
            for step, (times, total) in _decode(path.read_bytes()).items():
                sums[step] = sums[step][0] + times, sums[step][1] + total
    turns, calls = sums.pop(CALLS)
    rates = [load.rate for load in loads]
    print(
        f"{count} hubs, {connections} connections each: {sum(rates):.0f} posts/s, {turns / SEC:.0f} turns/s of "
        f"{calls / turns:.1f} calls; the slowest hub {min(rates) / max(rates):.2f} of the fastest"
    )
    for step in ORDER:
        times, total = sums[step]
        print(f"    {step:48} {total / turns * 1000:8.3f} ms a turn, {times / turns:4.2f} times")


def a_hub(folder: Path, number: int, url: str) -> HubProcess:
    home = folder / f"machine-{number}"
    home.mkdir()
    hub = HubProcess.at(home, "--log", url, ARC_TIMED=str(folder / "timed"))
    hub.program = (sys.executable, "-m", "tests.benchmarks.timed_hub")
    return hub


if __name__ == "__main__":
    measure(int(sys.argv[1]), int(sys.argv[2]))
