"""Submission: a command goes to the group commit, and its caller waits for the outcome.

Most outcomes are there when the transaction is on disk. A lease that is waited for, and a task that is asked for in
vain, take longer: their caller sleeps until its place is granted or there is work, and its agent is present meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

from msgspec.structs import replace

from arclog.deciders.picking import TakeNextTask
from arclog.errors import ArcError
from projections.hub.calls import Call, outcome_of
from projections.hub.command_handlers import Command
from projections.hub.group_commit import GroupCommit
from projections.hub.lease_waits import LeaseWaits
from projections.hub.outcomes import Outcome
from projections.hub.task_waits import TaskWaits


class Submission:
    """Submits the calls of a hub; used on one event loop.

    Args:
        commits: the queue.
        lease_waits: where callers wait for claims and locks.
        task_waits: where callers wait for work.
        present: keeps an agent present while it waits.
        watch: called when somebody begins to wait, for what other hubs append.
    """

    def __init__(
        self,
        commits: GroupCommit,
        lease_waits: LeaseWaits,
        task_waits: TaskWaits,
        present: Callable[[str], AbstractContextManager[None]],
        watch: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._commits = commits
        self._lease_waits = lease_waits
        self._task_waits = task_waits
        self._present = present
        self._watch = watch

    async def execute(self, call: Call) -> Outcome:
        """What a call comes to, waited for if it is to wait.

        Raises:
            ArcError: it was refused, or could not be kept.
        """
        future, command = self._queue(call), call.command
        try:
            outcome = await future
        except asyncio.CancelledError:
            if not future.cancelled() and future.exception() is None:  # it was told at the moment when it went away
                self._take_back(command, future.result())
            raise
        except ArcError:
            # They hold the error, whose traceback holds this frame: only the collector would free them.
            del future, call
            raise
        if outcome.open_call is not None:
            self._watch()
            with self._present(call.sender):
                return await self._lease_waits.wait(outcome.open_call)
        if type(command) is TakeNextTask and outcome.event_id is None and command.wait_sec > 0:
            self._watch()
            once = replace(call, command=replace(command, wait_sec=0))
            with self._present(command.agent_id.strip()):
                return await self._task_waits.wait(command, lambda: self.execute(once))
        return outcome

    def _queue(self, call: Call) -> "asyncio.Future[Outcome]":
        """Put a call into the queue; the future is told what comes of it."""
        future = outcome_of(call, self._loop, self._take_back)
        self._commits.submit(call)
        return future

    def _take_back(self, command: Command, result: Outcome | ArcError) -> None:
        """The caller has gone away, so nobody can be told: nothing waits on, and no task is kept."""
        if isinstance(result, Outcome) and result.open_call is not None:
            self._lease_waits.abandon(result.open_call)
        elif isinstance(result, Outcome) and isinstance(command, TakeNextTask):
            self._lease_waits.give_back(result)

    async def execute_all(self, calls: Sequence[Call]) -> list[Outcome | ArcError]:
        """For each of many calls its outcome, or why it was refused; in as few transactions as may be."""
        results: dict[int, Outcome | ArcError] = {}
        complete: asyncio.Future[None] = self._loop.create_future()

        # By its place: while a batch is in doubt, those that come after it are refused before it is known.
        def tell(place: int, result: Outcome | ArcError) -> None:
            results[place] = result
            if len(results) == len(calls) and not complete.done():
                complete.set_result(None)

        for place, call in enumerate(calls):
            call.done = partial(tell, place)
            self._commits.submit(call)
        if calls:
            await complete
        return [results[place] for place in range(len(calls))]
