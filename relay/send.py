"""The one seam between the relay and a hub."""

from collections.abc import Awaitable, Callable, Mapping

Send = Callable[[str, str, bytes, Mapping[str, str]], Awaitable[tuple[int, bytes]]]
"""The way to the hub: method, path, body and headers of a call; gives the status and the body of the answer.

It may raise `HubUnreachable`; what the hub does once, however often it is asked, is then asked again."""


class HubUnreachable(Exception):
    """The hub did not answer. Whether it did what it was asked for is unknown."""
