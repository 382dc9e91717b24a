"""Hubs that are recorders with storages of their own, on one log that is kept elsewhere."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from arclog.deciders.hub import HubState, StartHub
from arclog.engine import RemoteEngine
from arclog.events.processes import Process
from projections.hub.orphans import Orphans
from tests.support.fake_time import FakeTime
from tests.support.lease_hubs import TTL_SEC
from tests.support.lease_model import SECOND
from tests.support.lease_recorders import Recorders
from tests.support.recorders import recording


class Machines(Recorders):
    """A schedule on recorders that share a log.

    Args:
        folder: where their storages are.
        seed: the schedule follows from it.
        hubs: how many there are.
        stack: ends them.
        join: what one more hub writes through, at the time of the test.
    """

    def __init__(
        self, folder: Path, seed: int, hubs: int, stack: ExitStack, join: Callable[[FakeTime], RemoteEngine]
    ) -> None:
        self.join = join
        super().__init__(folder, seed, hubs, stack)

    def start(self, hub: int, number: int) -> None:
        life = self.stack.enter_context(ExitStack())
        state = HubState(hub_id=f"hub-{number}")
        copy = self.storage / f"machine-{hub}.sqlite3"
        recorder = life.enter_context(
            recording(copy, self.time, presence_ttl=TTL_SEC * SECOND, hub=state, remote=self.join(self.time))
        )
        recorder.leases.orphans = Orphans(state.hub_id, lambda other: other.pid in self.dead, 0)
        recorder.execute(StartHub(version="", process=Process(number, 0, "")))
        self.recorders[hub] = recorder, life
