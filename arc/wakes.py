"""An agent's side of waking: it has others called, and says that it has taken up what it was called for."""

from __future__ import annotations

from arc.reader import Reader
from arc.urls import segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc.shapes import Wake


class Waking(Reader):
    """The calls about waking; `ArcClient` has them all."""

    def wake(self, agent_id: str, *, message_id: int | None = None) -> Wake:
        """Have an agent called that may be idle; the wake that is on its way already, if there is one.

        Args:
            agent_id: who is to wake.
            message_id: the message that it is to wake for.
        """
        path = f"agents/{segment(agent_id)}/wake"
        asked: Wake = self._change(path, {"from_agent": self.agent_id}, {"message_id": message_id})
        return asked

    def acknowledge_wake(self, wake_id: int) -> Wake:
        """Say that this agent has taken up what it was woken for."""
        told: Wake = self._change(f"wakes/{wake_id}/ack", {"agent_id": self.agent_id})
        return told

    def report_wake(self, wake_id: int, turn: str, road: str, *, failed: str | None = None) -> Wake:
        """Say that this agent was called by a road, or why it could not be; for the one who calls it."""
        body = {"agent_id": self.agent_id, "turn": turn, "road": road}
        told: Wake = self._change(f"wakes/{wake_id}/report", body, {"failed": failed})
        return told

    def wakes(self, agent_id: str | None = None, *, called: bool = False, limit: int = 100) -> list[Wake]:
        """Which agents were called, and whether they were seen; the newest first.

        Args:
            agent_id: only those of this agent.
            called: only those that are on their way.
            limit: how many at most.
        """
        query = {"agent_id": agent_id, "called": 1 if called else None, "limit": limit}
        found: list[Wake] = self._read("wakes", query)
        return found
