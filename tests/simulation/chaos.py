"""Chaos: what happens to hubs, disks, machines, and to the log elsewhere, one thing after the other."""

import asyncio
from collections import Counter
from typing import Literal

from tests.simulation.cluster import Cluster
from tests.simulation.disk import Disk, Fault
from tests.simulation.world import SECOND, World
from tests.support.memory_engine import MemoryLog
from tests.support.power_cut import Left

LEFT: tuple[Left, ...] = ("none", "all", "some", "some")


class Chaos:
    """What goes wrong in one run.

    Args:
        world: where it does.
        cluster: the hubs.
        disk: their disks.
        log: the log elsewhere, if there is one.

    Attributes:
        log: that log.
        seen: how often each thing happened.
    """

    def __init__(self, world: World, cluster: Cluster, disk: Disk, log: MemoryLog | None) -> None:
        self._world = world
        self._cluster = cluster
        self._disk = disk
        self.log = log
        self.seen: Counter[str] = Counter()

    async def rage(self, pause_sec: float) -> None:
        """Do something bad now and then, until this is cancelled."""
        always = [self.kill, self.cut_power, self.stand_still, self.fail_disk, self.fill_disk, self.set_clock]
        on_a_file = [self.suspend]
        elsewhere = [self.go_away, self.lose_answer, self.lose_lock] * 2
        try:
            while True:
                await asyncio.sleep(self._world.draw_sec(usual=2 * pause_sec, longest=4 * pause_sec))
                happens = self._world.random.choice(always + (on_a_file if self.log is None else elsewhere))
                self.seen[happens.__name__] += 1
                await happens()
        finally:
            self._disk.faults.clear()
            if self.log is not None:
                self.log.is_away, self.log.loses_answer, self.log.loses_lock = False, None, 0

    async def kill(self) -> None:
        self._cluster.kill(self._world.random.choice(self._cluster.places))

    async def cut_power(self) -> None:
        self._cluster.kill(self._world.random.choice(self._cluster.places), power=self._world.random.choice(LEFT))

    async def stand_still(self) -> None:
        process = self._world.random.choice(self._cluster.places).process
        if process is not None and not process.is_dead:
            seconds = self._world.draw_sec(usual=0.3, longest=8)
            self._world.tell(f"{process.name} stands still for {seconds:.3f} s")
            process.loop.still_until = self._world.now + round(seconds * SECOND)

    async def fail_disk(self) -> None:
        fault: Fault = self._world.random.choice(("sync", "sync", "write", "read", "odd", "odd read"))
        self._disk.faults.append(fault)

    async def fill_disk(self) -> None:
        self._disk.faults.append("full")
        await asyncio.sleep(self._world.draw_sec(usual=0.2, longest=1))
        self._disk.faults[:] = [fault for fault in self._disk.faults if fault != "full"]

    async def set_clock(self) -> None:
        self._world.random.choice(self._cluster.places).machine.set_clock(self._world.random.choice((-60, 60, -2, 2)))

    async def suspend(self) -> None:
        seconds = self._world.draw_sec(usual=3, longest=60)
        self._world.tell(f"the machine was suspended for {seconds:.3f} s")
        self._cluster.places[0].machine.sleep(seconds)

    async def go_away(self) -> None:
        assert self.log is not None
        self._world.tell("the log is away")
        self.log.is_away = True
        await asyncio.sleep(self._world.draw_sec(usual=0.3, longest=2))
        self.log.is_away = False
        self._world.tell("the log is back")

    async def lose_answer(self) -> None:
        assert self.log is not None
        fate: Literal["kept", "not kept"] = self._world.random.choice(("kept", "not kept"))
        self.log.loses_answer = fate

    async def lose_lock(self) -> None:
        assert self.log is not None
        self.log.loses_lock = self._world.random.choice((1, 1, 2, 3))
