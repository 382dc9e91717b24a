"""Waiting for a claim or a lock: a call sleeps until its place is granted, has ended, or its time is over.

Nothing is asked meanwhile. The batch that frees what is waited for grants it too, and tells the call when it is on
disk; what other hubs free is seen when their commit is noticed. While a call waits, its agent is present.
"""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from arclog.deciders.leases import GiveBack
from arclog.limits import MICROSECONDS
from arclog.sqlite.readers import Readers
from projections.hub.calls import Call
from projections.hub.group_commit import GroupCommit
from projections.hub.lease_answers import tell_still_waiting
from projections.hub.leases import Leases
from projections.hub.open_calls import OpenCall
from projections.hub.outcomes import Outcome
from projections.hub.waiting import Waiters


class LeaseWaits:
    """The calls of a hub that wait for claims and locks; used on one event loop.

    Args:
        leases: what stands, and the open calls.
        commits: brings about what follows from what other hubs did.
        waiters: are woken by the commits of other hubs.
        readers: the way to read the storage.
        microseconds: the log's clock.
    """

    def __init__(
        self,
        leases: Leases,
        commits: GroupCommit,
        waiters: Waiters,
        readers: Readers,
        microseconds: Callable[[], int],
    ) -> None:
        self._leases = leases
        self._commits = commits
        self._waiters = waiters
        self._readers = readers
        self._microseconds = microseconds
        self._sleeping: set[asyncio.Future[None]] = set()
        self._closing = False
        waiters.on_foreign = self._look

    async def wait(self, call: OpenCall[Outcome]) -> Outcome:
        """What an open call comes to.

        When the task that waits is cancelled, the place is kept for a while, and what was granted at the same moment is
        given back.
        """
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        call.on_result = wake
        self._sleeping.add(woken)
        self._waiters.open_calls += 1
        try:
            if call.result is None and not self._closing:
                async with asyncio.timeout((call.wait_until - self._microseconds()) / MICROSECONDS):
                    await woken
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            if call.result is not None:
                self.give_back(call.result)
            raise
        finally:
            self._sleeping.discard(woken)
            self._waiters.open_calls -= 1
            self.close(call)
        if call.result is not None:
            return replace(call.result, is_news=True)
        now = self._microseconds()
        return self._readers.read(tell_still_waiting, self._leases.known, call.place_id, now)

    def close(self, call: OpenCall[Outcome]) -> None:
        """A call waits no more."""
        self._leases.calls.close(call, self._microseconds())
        self._commits.look_sooner()

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
