"""Hubs that are recorders of one storage, all in the test's own process."""

from contextlib import ExitStack
from pathlib import Path

import msgspec

from arclog.deciders.hub import HubState, StartHub
from arclog.events.processes import Process
from projections.hub.command_handlers import Command
from projections.hub.open_calls import OpenCall
from projections.hub.orphans import Orphans
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.lease_hubs import TTL_SEC, Answer, Held, Hubs, Waits
from tests.support.lease_model import SECOND
from tests.support.recorders import recording

Waiting = OpenCall[Outcome]


class Recorders(Hubs[Waiting]):
    """A schedule on recorders.

    Args:
        storage: their storage.
        seed: the schedule follows from it.
        hubs: how many there are.
        stack: ends them.
    """

    def __init__(self, storage: Path, seed: int, hubs: int, stack: ExitStack) -> None:
        self.storage = storage
        self.stack = stack
        self.recorders: dict[int, tuple[Recorder, ExitStack]] = {}
        super().__init__(seed, hubs, FakeTime())

    def start(self, hub: int, number: int) -> None:
        life = self.stack.enter_context(ExitStack())
        state = HubState(hub_id=f"hub-{number}")
        recorder = life.enter_context(recording(self.storage, self.time, presence_ttl=TTL_SEC * SECOND, hub=state))
        recorder.leases.orphans = Orphans(state.hub_id, lambda other: other.pid in self.dead, 0)
        recorder.execute(StartHub(version="", process=Process(number, 0, "")))
        self.recorders[hub] = recorder, life

    def end(self, hub: int) -> None:
        self.recorders[hub][1].close()

    def pause(self, hub: int) -> None:
        """It is not asked, and does not look."""

    def resume(self, hub: int) -> None:
        """It is asked again."""

    def ask_hub(self, hub: int, command: Command) -> Answer[Waiting]:
        outcome = self.recorders[hub][0].execute(command)
        return _answer(outcome)

    def close(self, hub: int, call: Waiting) -> None:
        self.recorders[hub][0].leases.calls.close(call, self.now)

    def find_result(self, call: Waiting) -> Answer[Waiting] | None:
        return None if call.result is None else _answer(call.result)

    def look_around(self, hub: int) -> bool:
        commit = self.recorders[hub][0].transact([])
        commit.tell()
        return commit.head != commit.after

    def see(self, hub: int) -> tuple[list[Held], list[Waits]] | None:
        recorder = self.recorders[hub][0]
        recorder.transact([])
        if recorder.leases._is_behind:
            return None  # nobody has asked it for anything since
        standing = recorder.leases.known
        mine = [h for agent in self.agents for h in standing.held_by(agent) if h.is_active(self.now)]
        places = [p for p in standing.waiting.values() if p.is_active(self.now)]
        return [(h.agent_id, h.noun, h.key, h.mode, h.expires_at) for h in mine], [(p.agent_id, p.keys) for p in places]


def _answer(outcome: Outcome) -> Answer[Waiting]:
    open_call = outcome.open_call
    place = None if open_call is None else open_call.place_id
    return Answer(outcome.acquired, msgspec.json.decode(outcome.result), place, open_call)
