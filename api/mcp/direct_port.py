"""The way from `/mcp` to the hub that it is part of: calls of its routes, without a connection between."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.hints import tell, tell_tools
from api.http.direct_calls import DirectCalls
from api.http.errors import STATUS_OF
from api.http.responses import MAX_ERROR_CHARS
from api.mcp.beginnings import VIA
from api.mcp.port import HubRefused, Rows, Value
from arclog.errors import ArcError
from arclog.events import JsonObject
from projections import sessions

UNAVAILABLE: Final = 503


class DirectPort:
    """Carries calls to the routes of a hub.

    Args:
        direct_calls: the routes.
    """

    def __init__(self, direct_calls: DirectCalls) -> None:
        self._direct_calls = direct_calls
        self._hub = direct_calls.hub

    @property
    def instance_id(self) -> str | None:
        return self._hub.instance_id

    def is_here(self, agent_id: str) -> bool:
        return self._hub.read(sessions.find_live, agent_id, self._hub.now()) is not None

    async def read(self, path: str, parameters: Mapping[str, Value], *, wait_sec: float = 0.0) -> Any:  # noqa: ANN401 - the result of any route
        if wait_sec and self._hub.closing:
            raise HubRefused("the hub is stopping, and takes no calls that wait; try again soon", UNAVAILABLE)
        return (await self._read(path, parameters))[0]

    async def read_list(self, path: str, parameters: Mapping[str, Value]) -> Rows:
        return Rows(*(await self._read(path, parameters)))

    async def change(
        self, method: str, path: str, ids: Mapping[str, Value], body: JsonObject, *, key: str | None = None
    ) -> JsonObject:
        try:
            outcome = await self._direct_calls.change(method, path, ids, body, transport=VIA, key=key)
        except ArcError as error:
            raise _refused(error) from None
        return {
            "ok": True,
            "acquired": outcome.acquired,
            "waited": outcome.waited,
            "holder_left_at": outcome.holder_left_at,
            "parent_completed": outcome.parent_completed,
            "result": msgspec.json.decode(outcome.result),
            **({} if outcome.locks is None else {"locks": msgspec.json.decode(outcome.locks)}),
            **({} if outcome.queue is None else msgspec.structs.asdict(outcome.queue)),
        }

    async def _read(self, path: str, parameters: Mapping[str, Value]) -> tuple[Any, bool]:
        """The result of a route that reads, and whether there is more of it."""
        try:
            found = await self._direct_calls.read(path, parameters)
        except ArcError as error:
            raise _refused(error) from None
        return msgspec.json.decode(found.result), found.more


def _refused(error: ArcError) -> HubRefused:
    text = tell_tools(tell(error), error.advice)
    if len(text) > MAX_ERROR_CHARS:
        text = f"{text[:MAX_ERROR_CHARS]} …"
    return HubRefused(text, STATUS_OF[error.code], error.code)
