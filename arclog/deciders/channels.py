"""Channels: rooms, made once and never changed."""

from typing import ClassVar

from msgspec import Struct

from arclog.deciders import fields
from arclog.events import ChannelCreated, JsonObject


class CreateChannel(Struct, frozen=True, kw_only=True):
    """Make a channel, unless it is there."""

    sender_field: ClassVar[str | None] = "created_by"

    name: str
    created_by: str | None = None
    metadata: JsonObject | None = None


def decide_create(exists: bool, command: CreateChannel, now: int) -> ChannelCreated | None:
    """A channel that exists stays as it is."""
    created = ChannelCreated(
        name=fields.required_id("name", command.name),
        created_by=fields.optional_agent("created_by", command.created_by),
        metadata=fields.metadata(command.metadata),
    )
    return None if exists else created
