"""What every benchmark works with: servers, storages, rounds."""

import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct

from tests.benchmarks.figures import ARC, ARC_011, OTHER, Curve, Row
from tests.benchmarks.storages import build_storages
from tests.benchmarks.wire import Connection
from tests.support.arc_011 import hub_011, require_arc_011
from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

EMPTY: Final = "empty endpoint"
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES: Final = (1_000, 5_000, 20_000)
MANY: Final = 100
FEW: Final = 3
"""Rounds of what varies little, or takes long."""
MODULES: Final = "tests.benchmarks.programs"


class Effort(Struct, frozen=True):
    """How much is measured.

    Attributes:
        rounds: how often each thing is measured.
        load_sec: how long one load lasts.
        sizes: the storages, in events; the plots go from the first to the last.
    """

    rounds: int = 5
    load_sec: int = 2
    sizes: tuple[int, ...] = SIZES


QUICK: Final = Effort(rounds=1, load_sec=1, sizes=QUICK_SIZES)


class Bench:
    """One run.

    Args:
        folder: where storages are kept meanwhile; it should be on the disk that one wants to know of.
        effort: how much is measured.
        beside: another checkout of Arc with an environment of its own (`.venv`), to compare with in turns.
    """

    def __init__(self, folder: Path, effort: Effort, beside: Path | None = None) -> None:
        self.folder = folder
        self.effort = effort
        self.beside = beside
        self.curves: list[Curve] = []
        self.events: dict[int, Path] = {}

    @functools.cached_property
    def arc_011(self) -> Path | str:
        """The Python of an environment with Arc 0.1.1, or the reason why there is none."""
        try:
            return require_arc_011()
        except pytest.skip.Exception as reason:
            return str(reason)

    @property
    def has_arc_011(self) -> bool:
        return isinstance(self.arc_011, Path)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a row that compares with Arc 0.1.1 has to say when there is none."""
        return (self.arc_011,) if isinstance(self.arc_011, str) else ()

    def turns(self, *names: str, most: int = MANY) -> Iterator[tuple[str, ...]]:
        """The rounds: who is measured after whom, in changing order; at most `most` rounds, where fewer will do."""
        for number in range(min(self.effort.rounds, most)):
            yield names if number % 2 == 0 else names[::-1]

    # Storages -------------------------------------------------------------------------------------------------------

    def storage(self, size: int) -> Path:
        """The storage of so many events. Who changes it works on a copy."""
        if not self.events:
            print("    making storages of up to", f"{self.effort.sizes[-1]:,}", "events", flush=True)
            self.events = dict(build_storages(self.folder, self.effort.sizes))
        return self.events[size]

    @property
    def largest(self) -> int:
        return self.effort.sizes[-1]

    @contextmanager
    def home(self) -> Iterator[Path]:
        """A folder that is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as home:
            yield Path(home)

    @contextmanager
    def copy_of(self, size: int) -> Iterator[Path]:
        """A copy of the storage of so many events."""
        with self.home() as home:
            yield Path(shutil.copyfile(self.storage(size), home / "arc.sqlite3"))

    # Servers --------------------------------------------------------------------------------------------------------

    @contextmanager
    def hub(
        self, storage: Path | None = None, *, module: str = "arc", checkout: Path = CHECKOUT
    ) -> Iterator[HubProcess]:
        """A hub that runs, on a storage of its own or on the given one; that of another checkout, if one is named."""
        with self.home() as home:
            hub = HubProcess(
                home,
                storage or home / "arc.sqlite3",
                home / ".arc-relay",
                environment={"PYTHONPATH": str(checkout)},
                program=(python_of(checkout), "-m", module),
            )
            try:
                yield hub.start()
            finally:
                hub.stop()

    @contextmanager
    def hub_011(self) -> Iterator[HubProcess]:
        """A hub of Arc 0.1.1 that runs."""
        with self.home() as home:
            hub = hub_011(home)
            try:
                yield hub.start()
            finally:
                hub.kill()  # it takes its time to stop while somebody waits

    @contextmanager
    def our_hubs(self) -> Iterator[dict[str, HubProcess]]:
        """A fresh hub of ours, and one of the other checkout where one was named."""
        with ExitStack() as stack:
            hubs = {ARC: stack.enter_context(self.hub())}
            if self.beside is not None:
                hubs[OTHER] = stack.enter_context(self.hub(checkout=self.beside))
            yield hubs

    @contextmanager
    def hubs(self) -> Iterator[dict[str, HubProcess]]:
        """The same, and one of Arc 0.1.1 where it can be had."""
        with self.our_hubs() as hubs:
            if not self.has_arc_011:
                yield hubs
                return
            with self.hub_011() as theirs:
                yield {ARC_011: theirs, **hubs}

    @contextmanager
    def empty_endpoint(self) -> Iterator[str]:
        """The URL of an application on our stack that does nothing."""
        port = find_free_port()
        process = subprocess.Popen([sys.executable, "-m", f"{MODULES}.empty_endpoint", str(port)], cwd=CHECKOUT)
        try:
            wait_until(lambda: _answers(port), what="the empty endpoint")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def python_of(checkout: Path) -> str:
    """The Python that a checkout of Arc runs with."""
    return sys.executable if checkout == CHECKOUT else str(checkout / ".venv" / "bin" / "python")


class Line(Struct, frozen=True):
    """One benchmark.

    Attributes:
        name: by which it can be chosen.
        measure: measures it and gives rows of the table.
    """

    name: str
    measure: Callable[[Bench], Iterable[Row]]


def _answers(port: int) -> bool:
    try:
        with Connection(port) as connection:
            connection.time_ms("GET", "/v1/messages")
    except OSError:
        return False
    return True
