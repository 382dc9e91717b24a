"""The places of agents' views, kept by the hub among its cursors (`cursor=NAME`), so that they outlast it."""

from typing import Final

from api.mcp.poll_places import View
from projections.hub.hub import Hub

NAME: Final = " mcp"
"""It begins with a space, so no agent has chosen it for a cursor of its own."""


class KeptPlaces:
    """Where agents stand that speak by URL.

    Args:
        hub: what keeps it.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def find(self, agent_id: str, view: View) -> int | None:
        """The last message that an agent's view has passed; None when nothing is known of it."""
        return self._hub.cursors.find(agent_id, _name_of(view), self._hub.now())

    def move(self, agent_id: str, view: View, place: int) -> None:
        """Keep it: written within five seconds, with what moved besides."""
        self._hub.cursors.move(agent_id, _name_of(view), place)


def _name_of(view: View) -> str:
    """The name of a view's cursor, such as ` mcp`, or ` mcp general/thread-7`."""
    return NAME if view == View() else f"{NAME} {view.channel or ''}/{view.thread_id or ''}"
