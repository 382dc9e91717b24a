"""Rooms to talk in."""

from typing import ClassVar

from msgspec import Struct

from arclog.events.messages import JsonObject

ANONYMOUS = "anonymous"
"""The actor of an accepted call that does not say whose it is."""


class ChannelCreated(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A channel exists from now on. Channels are never changed or removed."""

    type: ClassVar[str] = "channel.created"

    name: str
    created_by: str | None = None
    metadata: JsonObject = {}
    occurred_at: int | None = None

    @property
    def actor(self) -> str:
        return self.created_by or ANONYMOUS

    def stream(self, event_id: int) -> str:
        return f"channel/{self.name}"
