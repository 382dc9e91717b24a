"""The network between agents and hubs: calls take their time, come late, get lost, and break with the hub."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from arclog.errors import ArcError, UnexpectedFailure
from projections.hub.hub import Hub
from tests.simulation.cluster import Cluster, Place
from tests.simulation.loop import Loop
from tests.simulation.machines import HubProcess
from tests.simulation.world import World

T = TypeVar("T")


class Lost(Exception):
    """No answer came; nobody knows what became of the call."""


class Network:
    """Carries calls.

    Args:
        world: where it is.
        cluster: the hubs.
        outside: the loop of those who call.
        loses: how probable it is that a call, or an answer, is lost.
    """

    def __init__(self, world: World, cluster: Cluster, outside: Loop, loses: float) -> None:
        self._world = world
        self._cluster = cluster
        self._outside = outside
        self._loses = loses
        self._open: dict[asyncio.Future[Any], HubProcess] = {}
        """The answers that are awaited, and whom from."""
        self._served: dict[asyncio.Task[Any], HubProcess] = {}
        """What hubs do at this moment."""
        cluster.on_death = self._break

    @property
    def unanswered(self) -> int:
        """How many calls hubs have at this moment."""
        return sum(not process.is_dead for process in self._served.values())

    async def call(self, place: Place, serve: Callable[[Hub], Coroutine[Any, Any, T]], patience_sec: float) -> T:
        """Have a hub do something.

        Args:
            place: which hub.
            serve: what it does.
            patience_sec: after how long the caller gives up.

        Raises:
            ArcError: it was refused.
            Lost: no answer came.
        """
        answer: asyncio.Future[T] = self._outside.create_future()
        served: list[asyncio.Task[T]] = []
        if not self._is_lost():
            self._outside.call_later(self._delay(), self._arrive, place, serve, answer, served)
        try:
            return await asyncio.wait_for(answer, patience_sec)
        except TimeoutError:
            if not self._loses:
                self._world.failures.append(f"a call to {place.storage.name} has no answer after {patience_sec} s")
            if served and not served[0].done():  # the hub sees the line go
                self._outside.call_later(self._delay(), self._hang_up, served[0])
            raise Lost from None
        finally:
            self._open.pop(answer, None)

    def _arrive(
        self,
        place: Place,
        serve: Callable[[Hub], Coroutine[Any, Any, T]],
        answer: "asyncio.Future[T]",
        served: "list[asyncio.Task[T]]",
    ) -> None:
        hub, process = place.hub, place.process
        if hub is None or process is None:
            self._outside.call_later(self._delay(), self._fail, answer)
            return
        if answer.done():
            return
        self._open[answer] = process

        def begin() -> None:
            task = process.loop.create_task(serve(hub))
            served.append(task)
            self._served[task] = process
            task.add_done_callback(done)

        def done(task: "asyncio.Task[T]") -> None:
            del self._served[task]
            if task.cancelled():
                return
            error = task.exception()
            if error is not None and not _may_be_told(error, is_odd=self._world.is_odd):
                self._world.failures.append(f"{process.name} fails: {error!r}")
            if not self._is_lost():
                self._outside.call_later(self._delay(), self._deliver, task, answer)

        process.loop.call_soon(begin)

    def _deliver(self, task: "asyncio.Task[T]", answer: "asyncio.Future[T]") -> None:
        error = task.exception()
        if answer.done():
            return
        if error is None:
            answer.set_result(task.result())
        else:
            answer.set_exception(error if isinstance(error, ArcError) else UnexpectedFailure(RuntimeError(repr(error))))

    def _hang_up(self, task: "asyncio.Task[T]") -> None:
        task.get_loop().call_soon_threadsafe(task.cancel, None)

    def _fail(self, answer: "asyncio.Future[Any]") -> None:
        if not answer.done():
            answer.set_exception(Lost())

    def _break(self, process: HubProcess) -> None:
        for answer, by in list(self._open.items()):
            if by is process:
                self._outside.call_later(self._delay(), self._fail, answer)

    def _is_lost(self) -> bool:
        return self._loses > 0 and self._world.chance(self._loses)

    def _delay(self) -> float:
        return self._world.draw_sec(usual=0.001, longest=0.1)


def _may_be_told(error: BaseException, *, is_odd: bool) -> bool:
    """Whether a hub may fail so at a call: by its rules, or for the machine; for its own sake only after odd things."""
    return is_odd or (isinstance(error, ArcError) and not isinstance(error, UnexpectedFailure))
