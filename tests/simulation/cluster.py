"""The hubs of one log: each at its place, killed and started again."""

from collections.abc import Callable
from pathlib import Path

from arclog.deciders.fields import Limits
from arclog.errors import StorageDamaged, StorageError, UnexpectedFailure
from arclog.sqlite.wal import WalSizes
from projections.hub.hub import Hub
from projections.hub.settings import Settings
from projections.hub.tuning import Tuning
from tests.simulation.disk import Disk
from tests.simulation.engine import Engine
from tests.simulation.machines import HubProcess, Machine
from tests.simulation.world import Odd, World
from tests.support.memory_engine import MemoryLog
from tests.support.power_cut import Left

BUSY_SEC = 1.0
SMALL_WAL = WalSizes(passive_pages=40, limit_pages=80, largest_pages=120)
"""So that the WAL is copied several times in a run."""
AGAIN_SEC = 0.5
"""How long it takes until a hub that is gone is started again."""


class Place:
    """Where one hub runs.

    Attributes:
        machine: on which machine.
        storage: its storage.
        process: what runs there now, or ran last.
        hub: that hub, once it takes calls.
        trouble: what it says of its storage.
    """

    def __init__(self, machine: Machine, storage: Path) -> None:
        self.machine = machine
        self.storage = storage
        self.process: HubProcess | None = None
        self.hub: Hub | None = None
        self.trouble: StorageError | None = None
        self.rooted = False


class Cluster:
    """All hubs of one log.

    Args:
        world: where they are.
        disk: the disks of all machines.
        folder: where their storages are.
        count: how many hubs there are.
        log: what they share, each on a machine of its own; None where they share a file on one machine.
        presence_ttl_sec: how long an agent may be silent.

    Attributes:
        places: where they run.
        on_death: told of each process that is gone.
        noticed_agents: how many agents each hub remembers to have noticed.
    """

    def __init__(
        self, world: World, disk: Disk, folder: Path, count: int, log: MemoryLog | None, presence_ttl_sec: float
    ) -> None:
        self._world = world
        self._disk = disk
        self._log = log
        self._ttl_sec = presence_ttl_sec
        self._started = 0
        self._engines: dict[int, Engine] = {}
        self.processes: dict[int, HubProcess] = {}
        self.noticed_agents = 100
        self.on_death: Callable[[HubProcess], None] = lambda _process: None
        shared = Machine(world, 0)
        self.places = [
            Place(shared, folder / "arc.sqlite3")
            if log is None
            else Place(Machine(world, number), folder / f"copy{number}.sqlite3")
            for number in range(count)
        ]

    def find_running(self, number: int) -> HubProcess | None:
        """The process of that number, if it is there."""
        process = self.processes.get(number)
        return None if process is None or process.is_dead else process

    def start(self, place: Place) -> None:
        """Start a hub at its place."""
        self._started += 1
        process = place.process = HubProcess(self._world, self._started, place.machine)
        self.processes[process.number] = process
        self._world.tell(f"{process.name} starts")
        process.loop.create_task(self._serve(place, process))

    async def _serve(self, place: Place, process: HubProcess) -> None:
        try:
            hub = await process.loop.run_in_executor(None, self._make, place, process)
            await hub.start(f"http://{process.name}")
        except (StorageError, UnexpectedFailure, Odd) as error:
            self._world.tell(f"{process.name} cannot start: {type(error).__name__}")
            process.loop.call_soon(self.kill, place)
            return
        if not process.is_dead:
            place.hub, place.trouble = hub, None
            hub.alarms.on_trouble.append(lambda trouble: setattr(place, "trouble", trouble))
            self._world.tell(f"{process.name} takes calls")

    def _make(self, place: Place, process: HubProcess) -> Hub:
        tuning = Tuning(busy_sec=BUSY_SEC, wal=SMALL_WAL, remembered_rows=50, noticed_agents=self.noticed_agents)
        settings = Settings(
            storage=place.storage,
            limits=Limits(),
            presence_ttl_sec=self._ttl_sec,
            version="1.0.0",
            search=False,
            tuning=tuning,
        )
        remote = None if self._log is None else Engine(self._world, self._log, process)
        if remote is not None:
            self._engines[process.number] = remote
        return Hub(settings, place.machine, remote)

    async def stop(self, place: Place) -> None:
        """End a hub as a signal does."""
        hub, place.hub = place.hub, None
        assert hub is not None
        await hub.stop()

    def end(self) -> None:
        """All is over: nothing goes on in any process."""
        for process in self.processes.values():
            process.is_dead = True
            process.end()
            self._disk.close(process)

    def kill(self, place: Place, *, power: Left | None = None) -> None:
        """A hub is gone at once, and is started again; with the power of its machine, its disk keeps what it must.

        Args:
            place: where.
            power: how much of what was not flushed is left where the power failed; None where it did not.
        """
        shared = [one for one in self.places if one.storage == place.storage] if power is not None else [place]
        for one in shared:
            self._end(one)
        self._return(shared, power)

    def kill_damaged(self) -> None:
        """Whoever reads that a storage is damaged looks at it: what was only misread is whole for a hub that starts."""
        for place in self.places:
            if isinstance(place.trouble, StorageDamaged):
                self.kill(place)

    def _end(self, place: Place) -> None:
        process = place.process
        if process is None or process.is_dead:
            return
        process.is_dead = True
        place.hub = None
        self._world.remove(process)
        self._world.tell(f"{process.name} is killed")
        engine = self._engines.get(process.number)
        if engine is not None:
            engine.release()
        self.on_death(process)

    def _return(self, places: list[Place], power: Left | None) -> None:
        """When what was in the middle of a step has come out of it, the processes' files are closed."""
        processes = [place.process for place in places if place.process is not None]
        if any(self._world.is_moving(process) for process in processes):
            self.later(0.001, self._return, places, power)
            return
        if any(place.process not in processes for place in places):
            return  # it has been started again meanwhile
        for process in processes:
            process.end()
            self._disk.close(process)
        if power is not None:
            self._world.tell(f"the power fails, {power} of what was not flushed is left")
            places[0].machine.boot()
            self._disk.cut_power(places[0].storage, power)
        for place in places:
            self.later(self._world.draw_sec(usual=0.2, longest=AGAIN_SEC), self._start_again, place, place.process)

    def _start_again(self, place: Place, process: HubProcess) -> None:
        if place.process is process:
            self.start(place)

    later: Callable[..., object]
    """Calls something after so many seconds, whoever is alive then."""
