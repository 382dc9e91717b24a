"""What became of direct messages: they were acknowledged."""

from typing import ClassVar

from msgspec import Struct

from arclog.events.rule_numbers import WORK_RULES


class InboxAcknowledged(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent says that it has taken up messages that were sent to it."""

    type: ClassVar[str] = "inbox.acknowledged"
    rules: ClassVar[int] = WORK_RULES

    agent_id: str
    message_ids: tuple[int, ...]

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"inbox/{self.agent_id}"
