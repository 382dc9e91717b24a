"""The way from `arc mcp` to a hub: the client library's HTTP, with its kept connections and safe retries."""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from api.hints import tell_tools
from api.mcp.daemon import Daemons
from api.mcp.grants import grant_of
from api.mcp.port import NO_IDS, HubRefused, Rows, Value
from arc.errors import ArcError
from arc.http import InFlight
from arc.reader import WAIT_GRACE_SEC
from cli.errors import in_words

if TYPE_CHECKING:
    from arc.http import HttpTransport
    from arclog.events import JsonObject


class HttpPort:
    """Carries calls to one hub over HTTP. A call that changes something has a key, the same on each retry.

    Args:
        transport: the client library's.
    """

    def __init__(self, transport: "HttpTransport") -> None:
        self._transport = transport
        self._daemons = Daemons()

    @property
    def instance_id(self) -> str | None:
        return self._transport.instance_id

    def is_here(self, agent_id: str) -> bool:
        return True

    async def read(self, path: str, parameters: Mapping[str, Value], *, wait_sec: float = 0.0) -> Any:  # noqa: ANN401 - the result of any route
        return (await self._read(path, parameters, wait_sec))["result"]

    async def read_list(self, path: str, parameters: Mapping[str, Value]) -> Rows:
        envelope = await self._read(path, parameters, 0.0)
        return Rows(envelope["result"], envelope.get("more") is True)

    async def _read(self, path: str, parameters: Mapping[str, Value], wait_sec: float) -> "JsonObject":
        ids = {name: value for name, value in parameters.items() if f"{{{name}}}" in path}
        query = urlencode(
            {
                name: int(value) if isinstance(value, bool) else value
                for name, value in parameters.items()
                if name not in ids
            }
        )
        filled = fill_in(path, ids)
        return await self._call("GET", f"{filled}?{query}" if query else filled, None, wait_sec)

    async def change(
        self, method: str, path: str, ids: Mapping[str, Value], body: "JsonObject", *, key: str | None = None
    ) -> "JsonObject":
        wait_sec = float(body.get("wait_sec") or 0.0)
        return await self._call(method, fill_in(path, ids), None if method == "DELETE" else body, wait_sec)

    async def _call(self, method: str, path: str, body: "JsonObject | None", wait_sec: float) -> "JsonObject":
        timeout_sec = max(self._transport.timeout, wait_sec + WAIT_GRACE_SEC)
        in_flight = None if body is None or not wait_sec else InFlight()
        work = partial(self._transport.call, method, path, body, timeout_override=timeout_sec, in_flight=in_flight)
        unread = None if body is None or not wait_sec else partial(self._give_back, path, body)
        try:
            return await self._daemons.run(work, unread)
        except ArcError as error:
            raise HubRefused(tell_tools(in_words(error), error.advice), error.status, error.code) from None
        except asyncio.CancelledError:
            if in_flight is not None:
                in_flight.close()
            raise

    def _give_back(self, path: str, body: "JsonObject", envelope: "JsonObject") -> None:
        """Free what was granted after a wait to a call that was given up at that moment."""
        grant = grant_of(path, str(body.get("agent_id") or body["owner_agent_id"]), envelope)
        if grant is not None:
            self._daemons.start(partial(self._free, f"/v1/{grant.noun}/release", grant.body))

    def _free(self, path: str, body: "JsonObject") -> None:
        with contextlib.suppress(ArcError):  # it is over, or the hub is not there: then it ends by itself
            self._transport.call("POST", path, body)


def fill_in(path: str, ids: Mapping[str, Value] = NO_IDS) -> str:
    """A route's path with ids in place of their names."""
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path
