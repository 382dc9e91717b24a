"""The end that somebody asked for: a shutdown counts down, and calls from other machines are no longer taken.

The hub has no sockets: whoever serves it is told that either has come.
"""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from arclog.deciders.hub import CancelShutdown, ChangeNetwork, FireShutdown, HubState, InitiateShutdown
from arclog.errors import ArcError
from arclog.events import SYSTEM
from projections.hub.calls import Call
from projections.hub.outcomes import Outcome


class _Countdown(Struct, frozen=True):
    """A shutdown that counts down; `fires_at` is in seconds of the event loop's clock."""

    delay_sec: float
    fires_at: float
    timer: asyncio.TimerHandle


class Ending:
    """The end of one hub; used on its event loop.

    Args:
        submit: has a call judged and recorded, and told what came of it.

    Attributes:
        on_shutdown: called once, when a shutdown has fired.
        on_network_closed: called when calls from other machines are no longer taken, to end those that are open.
    """

    def __init__(self, submit: Callable[[Call], None]) -> None:
        self.on_shutdown: list[Callable[[], None]] = []
        self.on_network_closed: list[Callable[[], None]] = []
        self._submit = submit
        self._countdown: _Countdown | None = None

    def follow_up(self, command: object, state: HubState) -> None:
        """Do what follows from a command that was carried out.

        Args:
            command: what was asked for; a retry under its key is answered like the first call, but changes nothing.
            state: what the hub knows of itself now.
        """
        match command:
            case InitiateShutdown() if state.shutdown_pending and self._countdown is None:
                self._count_down(command.delay_sec)
            case CancelShutdown() if not state.shutdown_pending:
                self.cancel()
            case ChangeNetwork() if not state.allow_remote:
                _tell(self.on_network_closed)

    def remaining(self) -> tuple[int, int] | None:
        """Seconds until the pending shutdown fires, and the delay it was given; None when none is pending."""
        if self._countdown is None:
            return None
        left_sec = self._countdown.fires_at - asyncio.get_running_loop().time()
        return max(0, round(left_sec)), round(self._countdown.delay_sec)

    def cancel(self) -> None:
        """Count no longer."""
        if self._countdown is not None:
            self._countdown.timer.cancel()
            self._countdown = None

    def fire(self) -> None:
        """The delay is over: the shutdown is recorded, then told, unless it was cancelled meanwhile."""
        self._countdown = None
        self._submit(Call(FireShutdown(), self._end, sender=SYSTEM))

    def _count_down(self, delay_sec: float) -> None:
        loop = asyncio.get_running_loop()
        self._countdown = _Countdown(delay_sec, loop.time() + delay_sec, loop.call_later(delay_sec, self.fire))

    def _end(self, result: Outcome | ArcError) -> None:
        # A cancellation that was on its way when the delay ended came first, and its caller was told that.
        if isinstance(result, ArcError) or result.event_id is not None:
            _tell(self.on_shutdown)


def _tell(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        listener()
