"""Waiting for a claim or a lock: a call sleeps until its place is granted, has ended, or its time is over.

Nothing is asked meanwhile. The batch that frees what is waited for grants it too, and tells the call when it is on
disk; what other hubs free is seen when their commit is noticed. While a call waits, its agent is present.
"""

import asyncio
import contextlib
from collections.abc import Callable

from msgspec.structs import replace

from arclog.deciders.leases import GiveBack, TellWaiting
from arclog.limits import MICROSECONDS
from projections.hub.calls import Call, outcome_of
from projections.hub.group_commit import GroupCommit
from projections.hub.lease_memory import LeaseMemory
from projections.hub.open_calls import OpenCall
from projections.hub.outcomes import Outcome
from projections.hub.waiting import Waiters


class LeaseWaits:
    """The calls of a hub that wait for claims and locks; used on one event loop.

    Args:
        leases: what stands, and the open calls.
        commits: brings about what follows from what other hubs did.
        waiters: are woken by the commits of other hubs.
        microseconds: the log's clock.
    """

    def __init__(
        self,
        leases: LeaseMemory,
        commits: GroupCommit,
        waiters: Waiters,
        microseconds: Callable[[], int],
    ) -> None:
        self._leases = leases
        self._commits = commits
        self._waiters = waiters
        self._microseconds = microseconds
        self._sleeping: dict[asyncio.Future[None], None] = {}
        self._closing = False
        waiters.on_foreign = self._look

    async def wait(self, call: OpenCall[Outcome]) -> Outcome:
        """What an open call comes to.

        When its time is over, it ends like everything else in a transaction: a grant that was on its way to the disk at
        that moment is its answer. When the task that waits is cancelled, the place is kept for a while, and what is
        granted at that moment is given back.

        Raises:
            ArcError: where it waits could not be told.
        """
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        call.on_result = wake
        self._sleeping[woken] = None
        self._waiters.open_calls += 1
        try:
            if call.result is None and not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout((call.wait_until - self._microseconds()) / MICROSECONDS):
                        await woken
            self.close(call)
            told = None if call.result is not None else await self._tell_place(call.place_id)
        except asyncio.CancelledError:
            self.abandon(call)
            raise
        finally:
            del self._sleeping[woken]
            self._waiters.open_calls -= 1
        if call.result is not None:
            return replace(call.result, is_news=True)
        assert told is not None
        return told

    def close(self, call: OpenCall[Outcome]) -> None:
        """A call waits no more: it is granted nothing that is not on its way to the disk already."""
        self._leases.calls.close(call, self._microseconds())
        self._commits.look_sooner()

    def abandon(self, call: OpenCall[Outcome]) -> None:
        """Nobody is there any more who could be told what a call comes to."""
        self.close(call)

        def give_back() -> None:
            if call.result is not None:
                self.give_back(call.result)

        call.on_result = give_back
        give_back()

    async def _tell_place(self, place_id: int) -> Outcome:
        """Where a request waits whose call is over."""
        call = Call(TellWaiting(place=place_id))
        outcome = outcome_of(call, asyncio.get_running_loop())
        self._commits.submit(call)
        return await outcome

    def give_back(self, outcome: Outcome) -> None:
        """Free what was granted to a call that cannot be told."""
        if outcome.acquired and outcome.event_id is not None:
            self._commits.submit(Call(GiveBack(fencing_token=outcome.event_id)))

    def wake_all(self) -> None:
        """Let every call go on to its end; their places are kept for a while."""
        self._closing = True
        for woken in list(self._sleeping):
            if not woken.done():
                woken.set_result(None)

    def _look(self) -> None:
        """Another hub has appended something: see whether anything can be granted here."""
        if len(self._leases.calls):
            self._commits.catch_up()
