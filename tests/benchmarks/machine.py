"""The machine: what it is, and what processes on it use."""

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from cli.bench.measuring import time_flushes


class Machine(Struct, frozen=True):
    """Where the figures come from.

    Attributes:
        system: operating system and kernel.
        processor: its processor.
        cores: how many cores there are.
        memory_mb: main memory.
        filesystem: the kind that holds the storages.
        flush_ms: the median of a write of 4 KiB and its flush to that disk.
        python: Python's version.
        sqlite: SQLite's version.
        load: the machine's load average (one minute) when the run began.
        stops: how often a second a process that does nothing but read the clock is stopped for more than a millisecond:
            another process has its core, or the host of a virtual machine stops it.
        longest_stop_ms: the longest of these times.
    """

    system: str
    processor: str
    cores: int
    memory_mb: int
    filesystem: str
    flush_ms: float
    python: str
    sqlite: str
    load: float
    stops: float
    longest_stop_ms: float


LOOKED_SEC: Final = 2.0
STOP_SEC: Final = 0.001


def describe(folder: Path) -> Machine:
    """This machine, with the disk that holds `folder`."""
    load = os.getloadavg()[0]
    stops = find_stops()
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_find_processor(),
        cores=os.cpu_count() or 1,
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        filesystem=_find_filesystem(folder),
        flush_ms=1000 * statistics.median(time_flushes(folder, 1.0)),
        python=platform.python_version(),
        sqlite=apsw.sqlite_lib_version(),
        load=load,
        stops=len(stops) / LOOKED_SEC,
        longest_stop_ms=1000 * max(stops, default=0.0),
    )


def find_stops() -> list[float]:
    """How long this process did not run, each time that it did not for more than a millisecond; in seconds."""
    stops: list[float] = []
    last = time.perf_counter()
    end = last + LOOKED_SEC
    while last < end:
        now = time.perf_counter()
        if now - last > STOP_SEC:
            stops.append(now - last)
        last = now
    return stops


def memory_mb(pid: int) -> float:
    """The memory of a process that is in RAM (resident set size)."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(told) / 1024


def find_cpu_sec(pid: int) -> float | None:
    """The processor time that a process has used, where the system tells it finely enough (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def find_loop_sec(pid: int) -> float | None:
    """The same of a process's first thread alone: in a hub, that of the event loop."""
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return None


def _find_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _find_filesystem(folder: Path) -> str:
    if sys.platform != "linux":
        return platform.system()
    place = folder.resolve()
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(len(path), kind) for path, kind in mounts if place.is_relative_to(path)]
    return max(above)[1]
