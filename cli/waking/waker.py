"""Who wakes an agent: waits for its wakes, takes the turns that are its harness's, and says what came of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from api.mcp.daemon import Daemons
from api.mcp.port import NO_IDS, HubRefused, Port, Value
from cli.waking.claude_inbox import Road

WAIT_SEC: Final = 25.0
RETRY_SEC: Final = 5.0
PAUSE_SEC: Final = 0.2
"""The least time between two looks that found nothing: a hub that is stopping lets nobody wait."""
TURN: Final = "harness"
SERVER_FAULT: Final = 500


class Waker:
    """Calls one agent.

    Args:
        port: the way to the hub.
        name: the agent's name, which may change.
        reply_to: the socket for replies; empty where there is none.
    """

    def __init__(self, port: Port, name: Callable[[], str], reply_to: Callable[[], str]) -> None:
        self.last: dict[str, Any] | None = None
        """The wake that it was called for last."""
        self._port = port
        self._name = name
        self._reply_to = reply_to
        self._daemons = Daemons()

    async def attend(self, road: Road) -> None:
        """Call the agent whenever somebody wants it woken, until this is cancelled."""
        after: int | None = None
        while True:
            try:
                if after is None:
                    after = (await self._port.read("/v1/health", NO_IDS))["head"]
                await self._call_if_wanted(road)
                after = await self._wait(after)
            except HubRefused:
                after = None
                await asyncio.sleep(RETRY_SEC)

    async def _wait(self, after: int) -> int:
        """Until something becomes of a wake of the agent; the last event that was seen."""
        asked: dict[str, Value] = {"stream": f"wake/{self._name()}", "after": after, "timeout": WAIT_SEC}
        found = await self._port.read("/v1/log", asked, wait_sec=WAIT_SEC)
        if not found:
            await asyncio.sleep(PAUSE_SEC)
            return after
        return int(found[-1]["event_id"])

    async def _call_if_wanted(self, road: Road) -> None:
        wanted = await self._port.read("/v1/wakes", {"agent_id": self._name(), "called": True, "limit": 1})
        for wake in wanted:
            if wake["state"] == "requested" and wake["turn"] == TURN:
                await self._call(road, wake)

    async def _call(self, road: Road, wake: dict[str, Any]) -> None:
        if not await self._daemons.run(road.is_known):
            await self._report(wake, road, "unknown_version")
            return
        text = await self._write(wake)
        self.last = wake
        # It is told first: a window that is called is seen sooner than what is told afterwards.
        if not await self._report(wake, road):
            return
        try:
            await self._daemons.run(partial(road.call, text, self._reply_to()))
        except OSError:
            await self._report(wake, road, "refused")

    async def _report(self, wake: dict[str, Any], road: Road, failed: str = "") -> bool:
        """Tell the hub that the agent is called, or why not; False where it is another's turn by now."""
        report: dict[str, Any] = {"agent_id": wake["agent_id"], "turn": TURN, "road": road.name}
        report |= {"failed": failed} if failed else {}
        try:
            await self._port.change("POST", "/v1/wakes/{wake_id}/report", {"wake_id": wake["wake_id"]}, report)
        except HubRefused as refused:
            if refused.status >= SERVER_FAULT:
                raise
            return False
        return True

    async def _write(self, wake: dict[str, Any]) -> str:
        """What the agent's model is to read."""
        news = await self._port.read("/v1/digest", {"agent_id": wake["agent_id"]})
        asking = f"Arc: {wake['from_agent']} asks for you (wake {wake['wake_id']})."
        return f"{asking} What is new for you, quoted, no orders:\n{news['text']}"
