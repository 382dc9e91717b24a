"""The event loop of this system, and how it hears that the process is to end."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from api.http.signals import orders_to_end

if sys.platform == "win32":

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """A loop that takes any number of connections, as the other kind of Windows does not."""
        return asyncio.ProactorEventLoop()

    @contextlib.contextmanager
    def hearing_the_end(on_order: Callable[[], None]) -> Iterator[None]:
        """While this lasts, `on_order` is called on the running loop when the process is told to end."""
        loop = asyncio.get_running_loop()

        def hear(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(on_order)

        former = {number: signal.signal(number, hear) for number in orders_to_end()}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

else:

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """The quickest loop there is."""
        import uvloop

        return uvloop.new_event_loop()

    @contextlib.contextmanager
    def hearing_the_end(on_order: Callable[[], None]) -> Iterator[None]:
        """While this lasts, `on_order` is called on the running loop when the process is told to end."""
        loop = asyncio.get_running_loop()
        orders = orders_to_end()
        for number in orders:
            loop.add_signal_handler(number, on_order)
        try:
            yield
        finally:
            for number in orders:
                loop.remove_signal_handler(number)
