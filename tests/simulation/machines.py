"""Machines and processes: their clocks, their names, and what a hub's modules ask of the system, by the world's clock.

What stands here takes the place of `time`, `threading`, the numbers of processes and the system's chance in the modules
that serve users; everything else in them is as users have it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from queue import Empty
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from arclog.events.processes import Process
from arclog.sqlite import connection, engine, in_place, rescue, salts, schema
from arclog.sqlite import wal as checkpoints
from arclog.sqlite.changes import Changes
from projections import recent
from projections.hub import command_handlers, doubt, group_commit, hub, inspection, processes, table_inspection
from projections.search import filler
from tests.simulation.loop import Loop, Thread
from tests.simulation.world import SECOND, World

WALL: Final = 1_800_000_000 * SECOND
"""What wall clocks show in the beginning: 2027-01-15T08:00:00Z."""
UPTIME: Final = 3_600 * SECOND


class Machine:
    """A machine, whose clocks are not those of another.

    Args:
        world: its clock is that of the machine but for what follows.
        number: which one.
    """

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._number = number
        self._boots = 0
        self._skew = 0 if number == 0 else world.random.randrange(-30 * SECOND, 30 * SECOND)
        self._booted_at = -UPTIME
        self._slept = 0

    def elapsed(self) -> int:
        return self._world.now - self._booted_at + self._slept

    def slept(self) -> int:
        return self._slept

    def wall(self) -> int:
        return WALL + self._world.now + self._skew + self._slept

    def boot_id(self) -> str:
        return f"machine-{self._number}-boot-{self._boots}"

    def boot(self) -> None:
        """Start it again."""
        self._boots += 1
        self._booted_at = self._world.now

    def sleep(self, seconds: float) -> None:
        """It was suspended for so long."""
        self._slept += round(seconds * SECOND)

    def set_clock(self, seconds: float) -> None:
        """Somebody sets the wall clock, by so much."""
        self._skew += round(seconds * SECOND)


class HubProcess:
    """A process of the world that runs a hub, or is to.

    Args:
        world: where it is.
        number: which of all it is that were ever started; its process id, too.
        machine: where it runs.
    """

    def __init__(self, world: World, number: int, machine: Machine) -> None:
        self.name = f"hub-{number}"
        self.number = number
        self.machine = machine
        self.is_dead = False
        self.loop = Loop(world, self, f"{self.name} loop")  # type: ignore[abstract]
        self.thread = Thread(world, self, f"{self.name} thread")
        self.threads = (self.thread, *self.loop.threads)
        for actor in (self.loop, *self.threads):
            world.add(actor)

    def end(self) -> None:
        """What it is in the middle of comes to nothing."""
        for thread in self.threads:
            thread.end()
        self.loop.end()


class Event:
    """`threading.Event`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        return self._world.wait_for(self.is_set, seconds)


class Lock:
    """`threading.Lock`, between processes and threads of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        free = not self._is_held or self._world.wait_for(lambda: not self._is_held, None if timeout < 0 else timeout)
        if free:
            self._is_held = True
        return free

    def release(self) -> None:
        self._is_held = False


class IdleThread:
    """`threading.Thread` of what runs beside a hub and is no part of what is simulated: it never begins."""

    def __init__(self, *_args: Any, **_named: Any) -> None:
        pass

    def start(self) -> None:
        pass

    def join(self) -> None:
        pass

    def is_alive(self) -> bool:
        return False


class Jobs:
    """`queue.SimpleQueue` in front of a thread, which is the world's: what is put is done there."""

    def __init__(self, world: World) -> None:
        owner = world.running
        assert isinstance(owner, HubProcess)
        self._thread = owner.thread

    def put(self, job: Callable[[], None] | None) -> None:
        self._thread.put(job)

    def get(self) -> Callable[[], None] | None:
        raise Empty


@contextmanager
def replaced(world: World, running: Callable[[int], HubProcess | None]) -> Iterator[None]:
    """Meanwhile the modules of the hub have the world's clocks, threads and chance.

    Args:
        world: the world.
        running: finds a process by its number, if it is there.
    """

    def own() -> HubProcess:
        owner = world.running
        assert isinstance(owner, HubProcess)
        return owner

    def is_gone(process: Process) -> bool:
        return running(process.pid) is None

    def find_start(pid: int) -> int | None:
        return None if running(pid) is None else pid

    seconds = lambda: world.now / SECOND  # noqa: E731 - three names for it
    time = SimpleNamespace(monotonic=seconds, perf_counter=seconds, time=seconds, sleep=world.pause)
    threads = SimpleNamespace(Thread=IdleThread, Event=partial(Event, world), Lock=threading.Lock)
    system = SimpleNamespace(getpid=lambda: own().number)
    stands_in: list[tuple[Any, str, object]] = [
        *((module, "time", time) for module in (connection, schema, in_place, rescue, recent, group_commit)),
        *((module, "threading", threads) for module in (group_commit, doubt, checkpoints, filler)),
        *((module, "threading", threads) for module in (inspection, table_inspection)),
        *((module, "uuid4", world.make_uuid) for module in (schema, hub, command_handlers)),
        (group_commit, "SimpleQueue", partial(Jobs, world)),
        (engine, "Changes", partial(Changes, find=lambda: None)),
        (salts, "os", SimpleNamespace(urandom=world.make_bytes)),
        (processes, "os", system),
        (processes, "MachineTime", lambda: own().machine),
        (processes, "_find_namespace", lambda: 1),
        (processes, "_find_start", find_start),
        (processes, "_is_gone", is_gone),
    ]
    with ExitStack() as stack:
        for module, name, value in stands_in:
            stack.enter_context(patch.object(module, name, value))
        yield
