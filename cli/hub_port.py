"""The way from `arc mcp` to a hub: the client library's HTTP, with its kept connections and safe retries."""

from functools import partial
from typing import TYPE_CHECKING

from api.hints import tell_tools
from api.mcp.daemon import in_daemon
from api.mcp.port import Refused
from arc.errors import ArcError
from arc.reader import WAIT_GRACE_SEC
from cli.errors import in_words

if TYPE_CHECKING:
    from arc.http import HttpTransport
    from arclog.events import JsonObject


class HubPort:
    """Carries calls to one hub over HTTP. A call that changes something has a key, the same on each retry.

    Args:
        transport: the client library's.
    """

    def __init__(self, transport: "HttpTransport") -> None:
        self._transport = transport

    @property
    def instance_id(self) -> str | None:
        return self._transport.instance_id

    async def call(
        self, method: str, path: str, body: "JsonObject | None" = None, *, wait_sec: float = 0.0
    ) -> "JsonObject":
        """Call a route, as `api.mcp.port.Port` says."""
        timeout_sec = max(self._transport.timeout, wait_sec + WAIT_GRACE_SEC)
        try:
            return await in_daemon(partial(self._transport.call, method, path, body, timeout_override=timeout_sec))
        except ArcError as error:
            raise Refused(tell_tools(in_words(error), error.advice), error.status) from None
