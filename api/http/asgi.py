"""What ASGI passes between a server and an application: https://asgi.readthedocs.io/en/latest/specs/www.html."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
"""One request: its head, and what is known of its connection."""
Message = MutableMapping[str, Any]
"""Some of a request's body, some of an answer, or the end of either."""
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
