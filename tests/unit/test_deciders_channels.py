"""Channels: given what is known, when a command comes, then an event or a refusal."""

import pytest

from arclog.deciders.channels import CreateChannel, decide_create
from arclog.errors import InvalidInput
from arclog.events import ChannelCreated

NOW = 1_000_000_000


def test_a_new_channel_is_created_with_what_it_is_given() -> None:
    created = decide_create(False, CreateChannel(name=" room ", created_by=" a ", metadata={"topic": "x"}), NOW)
    assert created == ChannelCreated(name="room", created_by="a", metadata={"topic": "x"})


@pytest.mark.parametrize("creator", [None, "", " "])
def test_a_channel_may_have_no_creator(creator: str | None) -> None:
    assert decide_create(False, CreateChannel(name="room", created_by=creator), NOW) == ChannelCreated(name="room")


def test_a_channel_that_exists_stays_as_it_is() -> None:
    assert decide_create(True, CreateChannel(name="room", metadata={"other": 1}), NOW) is None


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (CreateChannel(name=""), "name"),
        (CreateChannel(name=" \t"), "name"),
        (CreateChannel(name="a\nb"), "name"),
        (CreateChannel(name="n" * 257), "name"),
        (CreateChannel(name="room", created_by="system"), "created_by"),
        (CreateChannel(name="room", created_by="a\x00"), "created_by"),
        (CreateChannel(name="room", metadata={"a": "x" * 70_000}), "metadata"),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_a_channel_that_cannot_be_named_or_described_so_is_refused(
    command: CreateChannel, field: str, exists: bool
) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_create(exists, command, NOW)
    assert caught.value.field == field
