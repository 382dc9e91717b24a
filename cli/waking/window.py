"""Waking the agent of one window, for as long as its MCP server runs."""

import asyncio
from collections.abc import Callable
from typing import Any

from api.mcp.port import NO_IDS, HubRefused, Port
from cli.waking.claude_inbox import Road, find_inbox
from cli.waking.codex_queue import find_queue
from cli.waking.reply_road import ReplyRoad
from cli.waking.waker import Waker


class Waking:
    """What wakes the agent of a window, and takes its replies.

    Args:
        port: the way to the hub.
        name: the agent's name, which may change.
        road: the way to call it.
    """

    def __init__(self, port: Port, name: Callable[[], str], road: Road) -> None:
        self._port = port
        self._name = name
        self._road = road
        self._replies = ReplyRoad(self._take)
        self._waker = Waker(port, name, lambda: self._replies.path)
        self._calling: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Call the agent whenever somebody wants it woken."""
        await self._replies.open()
        self._calling = asyncio.create_task(self._waker.attend(self._road))

    def end(self) -> None:
        """Call it no more."""
        if self._calling is not None:
            self._calling.cancel()
        self._replies.close()

    async def _take(self, text: str) -> None:
        """Post what the window's model sent back, to the one it was woken for."""
        wake = self._waker.last
        if wake is None:
            return
        message: dict[str, Any] = {
            "from_agent": self._name(),
            "to_agent": wake["from_agent"],
            "channel": "direct",
            "body": text,
        }
        if wake["message_id"] is not None:
            message["reply_to"] = wake["message_id"]
        try:
            await self._port.change("POST", "/v1/messages", NO_IDS, message)
        except HubRefused as refused:
            raise OSError(str(refused)) from None


async def begin(port: Port, name: Callable[[], str], thread_id: str | None) -> Waking | None:
    """Let the agent of this process's window be woken; None where its harness has no way for that.

    Args:
        port: the way to the hub.
        name: the agent's name, which may change.
        thread_id: the thread of Codex that the window shows, where that is known.
    """
    road: Road | None = find_inbox()
    if road is None and thread_id is not None:
        road = find_queue(thread_id)
    if road is None:
        return None
    waking = Waking(port, name, road)
    await waking.begin()
    return waking
