"""What an event says about itself: its type, the stream that it belongs to, and who did it."""

from typing import Any

import pytest

from arclog.events import (
    EVENT_CLASSES,
    EVENT_TYPES,
    ClaimReleased,
    Event,
    LockReleased,
    MessagePosted,
    TaskCompleted,
)
from tests.support.stored_meanings import EVENTS

STREAMS = {
    "session.opened": "session/a",
    "session.renamed": "session/a",
    "session.closed": "session/a",
    "session.expired": "session/a",
    "agent.seen": "session/a",
    "channel.created": "channel/room",
    "claim.acquired": "claim/k",
    "claim.refreshed": "claim/k",
    "claim.released": "claim/k",
    "claim.refused": "claim/k",
    "claim.queued": "claim/k",
    "claim.left": "claim/k",
    "claim.handed_over": "claim/k",
    "lock.acquired": "lock/src/a.py",
    "lock.refreshed": "lock/src/a.py",
    "lock.released": "lock/src/a.py",
    "lock.refused": "lock/src/a.py",
    "lock.queued": "lock/src/a.py",
    "lock.left": "lock/src/a.py",
    "lock.handed_over": "lock/src/a.py",
    "turn.ended": "session/a",
    "file.written": "file/src/a.py",
    "file.read": "file/src/a.py",
    "task.completed": "task/7",
    "task.failed": "task/7",
    "task.cancelled": "task/7",
    "task.reopened": "task/7",
    "task.assigned": "task/7",
    "task.lapsed": "task/7",
    "inbox.acknowledged": "inbox/a",
    "hub.cursors_moved": "hub/h",
    "hub.started": "hub/h",
    "hub.stopped": "hub/h",
    "rules.raised": "log/rules",
    "payload.erased": "log/erased",
    "tables.repaired": "log/tables",
    "log.anchored": "log/anchors",
    "hub.vouched": "hub/h",
    "shutdown.initiated": "hub/h",
    "shutdown.cancelled": "hub/h",
    "shutdown.fired": "hub/h",
    "network.changed": "hub/h",
}
ACTORS = {
    "session.expired": "system",
    "claim.released": "o",
    "claim.refused": "b",
    "claim.refused, least": "b",
    "claim.left": "system",
    "channel.created, least": "anonymous",
    "lock.released": "o",
    "lock.refused": "b",
    "lock.refused, least": "b",
    "lock.left": "system",
    "task.completed, least": "anonymous",
    "task.failed, least": "system",
    "task.failed, erased": "system",
    "payload.erased": "o",
    "payload.erased, least": "o",
    "tables.repaired": "o",
    "log.anchored": "o",
    "tables.repaired, least": "o",
    "task.cancelled, least": "anonymous",
    "task.reopened, least": "anonymous",
    "task.assigned, least": "anonymous",
    "task.lapsed": "system",
    "hub.cursors_moved": "system",
    "hub.started": "system",
    "hub.started, least": "system",
    "hub.stopped": "system",
    "hub.stopped, least": "system",
    "rules.raised": "system",
    "token.issued": "b",
    "token.issued, least": "b",
    "token.revoked": "b",
    "wake.requested": "b",
    "wake.requested, least": "b",
    "wake.failed, least": "system",
    "agent.dark": "system",
    "hub.vouched": "system",
    "hub.vouched, least": "system",
    "shutdown.initiated": "system",
    "shutdown.cancelled": "system",
    "shutdown.fired": "system",
    "network.changed": "system",
}


@pytest.mark.parametrize(("name", "event"), EVENTS.items())
def test_an_events_type_is_a_noun_and_what_happened_to_it(name: str, event: Event) -> None:
    assert event.type == name.partition(", ")[0]
    assert event.type in EVENT_TYPES


def test_no_two_types_have_one_name() -> None:
    assert len(set(EVENT_TYPES)) == len(EVENT_CLASSES) == 52


@pytest.mark.parametrize(("name", "event"), [(n, e) for n, e in EVENTS.items() if e.type in STREAMS])
def test_an_event_belongs_to_the_life_of_its_entity(name: str, event: Event) -> None:
    assert event.stream(99) == STREAMS[event.type]


@pytest.mark.parametrize(("name", "event"), EVENTS.items())
def test_an_event_names_the_agent_that_did_it(name: str, event: Event) -> None:
    assert event.actor == ACTORS.get(name, "a")


@pytest.mark.parametrize(
    ("message", "stream"),
    [
        (MessagePosted(from_agent="a", channel="room"), "channel/room"),
        (MessagePosted(from_agent="a", channel="room", to_agent="b"), "inbox/b"),
        (MessagePosted(from_agent="a", channel="room", kind="task"), "task/99"),
        (MessagePosted(from_agent="a", channel="room", kind="task_request", to_agent="b"), "task/99"),
        (MessagePosted(from_agent="a", channel="room", kind="task_result", completes_task_id=7), "task/7"),
        (MessagePosted(from_agent="a", channel="room", kind="task_result", to_agent="b"), "inbox/b"),
    ],
)
def test_a_message_belongs_to_its_task_else_to_an_inbox_else_to_its_channel(
    message: MessagePosted, stream: str
) -> None:
    assert message.stream(99) == stream


@pytest.mark.parametrize(("name", "event"), EVENTS.items())
def test_events_cannot_be_changed(name: str, event: Event) -> None:
    with pytest.raises(AttributeError):
        event.actor = "b"  # type: ignore[misc]


def test_a_completion_without_a_name_is_anonymous() -> None:
    assert TaskCompleted(task_id=1).actor == "anonymous"


@pytest.mark.parametrize("reason", ["owner_gone", "lapsed", "undelivered"])
def test_what_the_hub_takes_back_it_does_itself(reason: Any) -> None:
    assert LockReleased(file_path="p", agent_id="a", fencing_token=8, reason=reason).actor == "system"
    assert ClaimReleased(claim_key="k", owner_agent_id="a", fencing_token=8, reason=reason).actor == "system"
