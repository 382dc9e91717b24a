"""Bytes that were written once are read for ever.

`stored_events/version_1.json` holds, for every event type, what the first version of Arc wrote, in hex: frozen, so that
a change of an event class that could no longer read it fails here. What came later, and types that say more since,
stand in the files after it; the examples before them stay, and mean what they meant (`FORMER`).
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arclog.codec import Metadata, decode_data, decode_metadata, encode_data, encode_metadata
from arclog.events import (
    EVENT_TYPES,
    AgentSeen,
    ChannelCreated,
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    CursorPosition,
    CursorsMoved,
    Event,
    FileRead,
    FileWritten,
    FreedClaim,
    FreedLock,
    Handling,
    HubStarted,
    HubStopped,
    HubVouched,
    InboxAcknowledged,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
    MessagePosted,
    NetworkChanged,
    Notice,
    RulesRaised,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    SessionRenamed,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskFailed,
    TaskLapsed,
    TaskReopened,
    TasksOpened,
    TaskTerms,
    TokenIssued,
    TokenRevoked,
    TurnEnded,
)
from arclog.events.locks import LockedPath
from arclog.events.messages import (
    CodeAttachment,
    DiffRefAttachment,
    FileRefAttachment,
    JsonAttachment,
    TextAttachment,
)
from arclog.events.processes import Process

FIRST, SECOND, THIRD = (
    json.loads((Path(__file__).parent / "stored_events" / f"version_{number}.json").read_text()) for number in (1, 2, 3)
)
EXAMPLES = FIRST | SECOND | THIRD

NOTICE = Notice(body="n", channel="general", thread_id="t", reply_to=7, metadata={"recovery": True})
PROCESS = Process(4711, 123_456, "boot")
JSON = {"text": "ä", "list": [1, 2.5, None, True], "big": 2**63, "small": -(2**63)}

TERMS = TaskTerms(
    assignee="b",
    priority=0,
    depends_on=(5, 6),
    needs=("gpu",),
    not_before=1_800_000_000_000_000,
    max_attempts=2,
    options=("yes", "no"),
    default="no",
    deadline=1_800_000_000_000_000,
    for_task_id=5,
)

# What the stored bytes mean: for each type an event with all its fields, and one with as few as it can have.
EVENTS: dict[str, Event] = {
    "session.opened": SessionOpened(
        agent_id="a",
        session_id="s-2",
        display_name="Ada",
        capabilities=("code", "test"),
        metadata=JSON,
        replaced_session_id="s-1",
        occurred_at=1_700_000_000_000_000,
        process=PROCESS,
    ),
    "session.opened, least": SessionOpened(agent_id="a", session_id="s-2", display_name="a"),
    "session.renamed": SessionRenamed(agent_id="a", session_id="s-2", display_name="Bo"),
    "session.closed": SessionClosed(agent_id="a", session_id="s-2"),
    "session.expired": SessionExpired(
        agent_id="a",
        session_id="s-2",
        last_seen_at=1_800_000_000_000_000,
        claims=(FreedClaim("k", 8),),
        locks=(FreedLock("src/a.py", 9),),
        notices=(NOTICE,),
        more=True,
    ),
    "agent.seen": AgentSeen(agent_id="a"),
    "channel.created": ChannelCreated(name="room", created_by="a", metadata=JSON, occurred_at=1_700_000_000_000_000),
    "channel.created, least": ChannelCreated(name="room"),
    "message.posted": MessagePosted(
        from_agent="a",
        channel="room",
        to_agent="b",
        kind="task_result",
        body="ä\x00😀",
        attachments=(
            TextAttachment("text"),
            JsonAttachment(JSON),
            CodeAttachment("x = 1", language="python"),
            FileRefAttachment("src/a.py", "here", "v1", "v2", 1, 2),
            DiffRefAttachment("src/a.py", "there", "v1", "v2", 3, 4),
        ),
        reply_to=7,
        thread_id="t",
        metadata=JSON,
        parent_task_id=5,
        completes_task_id=7,
        completes_in_thread_id="u",
        task=TERMS,
        freed_token=8,
        handling=Handling(ack=True, ack_by=1_800_000_000_000_000, urgent=True, provenance="human"),
    ),
    "message.posted, least": MessagePosted(from_agent="a", channel="general", body="hi"),
    "claim.acquired": ClaimAcquired(
        claim_key="k",
        owner_agent_id="a",
        expires_at=1_800_000_300_000_000,
        thread_id="t",
        task_message_id=7,
        metadata=JSON,
        occurred_at=1_700_000_000_000_000,
        place=6,
        pick="waited",
    ),
    "claim.acquired, least": ClaimAcquired(claim_key="k", owner_agent_id="a", expires_at=1_800_000_300_000_000),
    "claim.refreshed": ClaimRefreshed(
        claim_key="k", owner_agent_id="a", expires_at=1_800_000_300_000_000, fencing_token=8
    ),
    "claim.released": ClaimReleased(
        claim_key="k",
        owner_agent_id="a",
        fencing_token=8,
        reason="forced",
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
        forced_by="o",
        why="it hangs",
    ),
    "claim.released, least": ClaimReleased(claim_key="k", owner_agent_id="a", fencing_token=8),
    "claim.refused": ClaimRefused(
        claim_key="k", asker_agent_id="b", owner_agent_id="a", fencing_token=8, is_waiting=True
    ),
    "claim.refused, least": ClaimRefused(claim_key="k", asker_agent_id="b", owner_agent_id="a", fencing_token=8),
    "claim.queued": ClaimQueued(
        claim_key="k",
        owner_agent_id="a",
        wait_until=1_800_000_300_000_000,
        ttl=300_000_000,
        hub_id="h",
        thread_id="t",
        task_message_id=7,
        metadata=JSON,
        passes=(5, 6),
        place=7,
    ),
    "claim.queued, least": ClaimQueued(
        claim_key="k", owner_agent_id="a", wait_until=1_800_000_300_000_000, ttl=300_000_000, hub_id="h"
    ),
    "claim.left": ClaimLeft(claim_key="k", owner_agent_id="a", place=7, reason="no_call"),
    "claim.left, least": ClaimLeft(claim_key="k", owner_agent_id="a", place=7),
    "claim.handed_over": ClaimHandedOver(
        claim_key="k", owner_agent_id="a", to_agent_id="b", fencing_token=8, serves=(9,)
    ),
    "claim.handed_over, least": ClaimHandedOver(claim_key="k", owner_agent_id="a", to_agent_id="b", fencing_token=8),
    "lock.acquired": LockAcquired(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("docs//x", "docs/x"), LockedPath("b")),
        agent_id="a",
        expires_at=1_800_000_300_000_000,
        metadata=JSON,
        occurred_at=1_700_000_000_000_000,
        mode="shared",
        kept=("b",),
        upgrades=("src/a.py",),
        place=6,
        is_automatic=True,
    ),
    "lock.acquired, least": LockAcquired(file_path="src/a.py", agent_id="a", expires_at=1_800_000_300_000_000),
    "lock.refreshed": LockRefreshed(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("b"),),
        agent_id="a",
        expires_at=1_800_000_300_000_000,
        fencing_token=8,
    ),
    "lock.released": LockReleased(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("b"),),
        agent_id="a",
        fencing_token=8,
        reason="forced",
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
        forced_by="o",
        why="it hangs",
    ),
    "lock.released, least": LockReleased(file_path="src/a.py", agent_id="a", fencing_token=8),
    "lock.refused": LockRefused(
        file_path="./src/**",
        asker_agent_id="b",
        agent_id="a",
        fencing_token=8,
        key="src/**",
        held="src/a.py",
        witness="src/a.py",
        mode="shared",
        is_waiting=True,
    ),
    "lock.refused, least": LockRefused(file_path="src/a.py", asker_agent_id="b", agent_id="a", fencing_token=8),
    "lock.queued": LockQueued(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("b"),),
        agent_id="a",
        wait_until=1_800_000_300_000_000,
        ttl=300_000_000,
        hub_id="h",
        mode="shared",
        metadata=JSON,
        passes=(5, 6),
        place=7,
    ),
    "lock.queued, least": LockQueued(
        file_path="src/a.py", agent_id="a", wait_until=1_800_000_300_000_000, ttl=300_000_000, hub_id="h"
    ),
    "lock.left": LockLeft(
        file_path="./src/a.py", key="src/a.py", others=(LockedPath("b"),), agent_id="a", place=7, reason="no_call"
    ),
    "lock.left, least": LockLeft(file_path="src/a.py", agent_id="a", place=7),
    "lock.handed_over": LockHandedOver(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("b"),),
        agent_id="a",
        to_agent_id="b",
        fencing_token=8,
        serves=(9,),
    ),
    "lock.handed_over, least": LockHandedOver(file_path="src/a.py", agent_id="a", to_agent_id="b", fencing_token=8),
    "turn.ended": TurnEnded(agent_id="a", locks=(FreedLock("src/a.py", 8), FreedLock("b", 9))),
    "file.written": FileWritten(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("b"),),
        agent_id="a",
        tool="Edit",
        digests=("0123456789abcdef", ""),
    ),
    "file.written, least": FileWritten(file_path="src/a.py", agent_id="a"),
    "file.read": FileRead(
        file_path="./src/a.py",
        key="src/a.py",
        others=(LockedPath("b"),),
        agent_id="a",
        tool="Read",
        digests=("0123456789abcdef", ""),
    ),
    "file.read, least": FileRead(file_path="src/a.py", agent_id="a"),
    "task.completed": TaskCompleted(
        task_id=7,
        thread_id="t",
        completed_by="a",
        rolled_up_task_id=5,
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
        again=True,
        freed_token=8,
        answer="no",
    ),
    "task.completed, least": TaskCompleted(task_id=7),
    "hub.started": HubStarted(
        hub_id="h", version="1.0.0", url="http://127.0.0.1:6969", presence_ttl_sec=120.0, process=PROCESS
    ),
    "token.issued": TokenIssued(
        agent_id="a", token_id="000102030405", hash=bytes(range(32)), operator=True, issued_by="b"
    ),
    "token.issued, least": TokenIssued(agent_id="a", token_id="000102030405", hash=bytes(range(32)), issued_by="b"),
    "token.revoked": TokenRevoked(agent_id="a", token_id="000102030405", revoked_by="b"),
    "rules.raised": RulesRaised(number=2, version="1.1.0"),
    "tasks.opened": TasksOpened(
        opened_by="a",
        messages=(
            MessagePosted(from_agent="a", channel="room", kind="task", body="first"),
            MessagePosted(from_agent="a", channel="room", kind="task", body="second", task=TaskTerms(depends_on=(7,))),
        ),
    ),
    "task.failed": TaskFailed(task_id=7, thread_id="t", failed_by="a", reason="r", notice=NOTICE, freed_token=8),
    "task.failed, least": TaskFailed(task_id=7),
    "task.cancelled": TaskCancelled(
        task_id=7, thread_id="t", cancelled_by="a", reason="r", notice=NOTICE, freed_token=8
    ),
    "task.cancelled, least": TaskCancelled(task_id=7),
    "task.reopened": TaskReopened(task_id=7, thread_id="t", reopened_by="a", reason="r"),
    "task.reopened, least": TaskReopened(task_id=7),
    "task.assigned": TaskAssigned(task_id=7, assigned_by="a", assignee="b"),
    "task.assigned, least": TaskAssigned(task_id=7),
    "task.lapsed": TaskLapsed(task_id=7, agent_id="a", freed_token=8, attempt=2),
    "inbox.acknowledged": InboxAcknowledged(agent_id="a", message_ids=(7, 8)),
    "hub.cursors_moved": CursorsMoved(hub_id="h", positions=(CursorPosition("a", "poll", 7),)),
    "hub.started, least": HubStarted(hub_id="h", version="1.0.0"),
    "hub.stopped": HubStopped(hub_id="h", reason="shutdown"),
    "hub.stopped, least": HubStopped(hub_id="h"),
    "hub.vouched": HubVouched(hub_id="h", taken_up=("a", "b"), given_up=("c",)),
    "hub.vouched, least": HubVouched(hub_id="h"),
    "shutdown.initiated": ShutdownInitiated(hub_id="h", delay_sec=0.5, notice=NOTICE),
    "shutdown.cancelled": ShutdownCancelled(hub_id="h", notice=NOTICE),
    "shutdown.fired": ShutdownFired(hub_id="h", notice=NOTICE),
    "network.changed": NetworkChanged(hub_id="h", allow_remote=True),
}
# What the bytes mean of types that say more by now.
FORMER: dict[str, Event] = {
    "session.opened": SessionOpened(
        agent_id="a",
        session_id="s-2",
        display_name="Ada",
        capabilities=("code", "test"),
        metadata=JSON,
        replaced_session_id="s-1",
        occurred_at=1_700_000_000_000_000,
    ),
    "hub.started": HubStarted(hub_id="h", version="1.0.0", url="http://127.0.0.1:6969"),
    "message.posted": MessagePosted(
        from_agent="a",
        channel="room",
        to_agent="b",
        kind="task_result",
        body="ä\x00😀",
        attachments=(
            TextAttachment("text"),
            JsonAttachment(JSON),
            CodeAttachment("x = 1", language="python"),
            FileRefAttachment("src/a.py", "here", "v1", "v2", 1, 2),
            DiffRefAttachment("src/a.py", "there", "v1", "v2", 3, 4),
        ),
        reply_to=7,
        thread_id="t",
        metadata=JSON,
        parent_task_id=5,
        completes_task_id=7,
        completes_in_thread_id="u",
    ),
    "claim.acquired": ClaimAcquired(
        claim_key="k",
        owner_agent_id="a",
        expires_at=1_800_000_300_000_000,
        thread_id="t",
        task_message_id=7,
        metadata=JSON,
        occurred_at=1_700_000_000_000_000,
    ),
    "claim.released": ClaimReleased(
        claim_key="k",
        owner_agent_id="a",
        fencing_token=8,
        reason="owner_gone",
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
    ),
    "claim.refused": ClaimRefused(claim_key="k", asker_agent_id="b", owner_agent_id="a", fencing_token=8),
    "lock.acquired": LockAcquired(
        file_path="src/a.py",
        agent_id="a",
        expires_at=1_800_000_300_000_000,
        metadata=JSON,
        occurred_at=1_700_000_000_000_000,
    ),
    "lock.refreshed": LockRefreshed(
        file_path="src/a.py", agent_id="a", expires_at=1_800_000_300_000_000, fencing_token=8
    ),
    "lock.released": LockReleased(
        file_path="src/a.py",
        agent_id="a",
        fencing_token=8,
        reason="owner_gone",
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
    ),
    "lock.refused": LockRefused(file_path="src/a.py", asker_agent_id="b", agent_id="a", fencing_token=8),
    "task.completed": TaskCompleted(
        task_id=7,
        thread_id="t",
        completed_by="a",
        rolled_up_task_id=5,
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
    ),
    "session.expired": SessionExpired(agent_id="a", session_id="s-2", last_seen_at=1_800_000_000_000_000),
}
METADATA: dict[str, Metadata] = {
    "metadata": Metadata("relay", "key", bytes(range(32)), "b", "000102030405"),
    "metadata, least": Metadata(),
}


def type_of_example(name: str) -> str:
    return name.removesuffix(", least")


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_there_is_an_example_of_every_event_type(event_type: str) -> None:
    assert event_type in EVENTS
    assert event_type in EXAMPLES


def test_every_example_has_its_meaning_here() -> None:
    assert set(EXAMPLES) == {*EVENTS, *METADATA}


@pytest.mark.parametrize("name", EVENTS)
def test_the_bytes_of_an_event_that_were_stored_once_mean_what_they_meant(name: str) -> None:
    assert decode_data(type_of_example(name), bytes.fromhex(EXAMPLES[name])) == EVENTS[name]


@pytest.mark.parametrize("name", FORMER)
def test_the_bytes_of_an_event_that_says_more_by_now_mean_what_they_meant(name: str) -> None:
    assert decode_data(type_of_example(name), bytes.fromhex(FIRST[name])) == FORMER[name]


def test_every_example_that_was_replaced_has_its_former_meaning() -> None:
    assert set(FORMER) == {name for name in SECOND | THIRD if name in FIRST} - set(METADATA)


@pytest.mark.parametrize("name", METADATA)
def test_the_bytes_around_an_event_that_were_stored_once_mean_what_they_meant(name: str) -> None:
    assert decode_metadata(bytes.fromhex(EXAMPLES[name])) == METADATA[name]


def test_the_bytes_around_an_event_before_tokens_mean_what_they_meant() -> None:
    assert decode_metadata(bytes.fromhex(SECOND["metadata"])) == Metadata("relay", "key", bytes(range(32)), "b")


def test_what_was_stored_around_an_event_and_means_nothing_any_more_is_passed_over() -> None:
    assert decode_metadata(bytes.fromhex(FIRST["metadata"])) == Metadata("relay", "key", bytes(range(32)))


@pytest.mark.parametrize("name", [*EVENTS, *METADATA])
def test_what_is_written_today_is_what_the_examples_say(name: str) -> None:
    written = encode_metadata(METADATA[name]) if name in METADATA else encode_data(EVENTS[name])
    assert written.hex() == EXAMPLES[name]


@pytest.mark.parametrize("name", [name for name in EVENTS if not name.endswith("least")])
def test_an_example_has_every_field_of_its_type_filled_in(name: str) -> None:
    stored: dict[str, Any] = msgspec.msgpack.decode(bytes.fromhex(EXAMPLES[name]))
    assert tuple(stored) == type(EVENTS[name]).__struct_encode_fields__


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_says_more_than_is_known_today_is_still_read(name: str) -> None:
    stored: dict[str, Any] = msgspec.msgpack.decode(bytes.fromhex(EXAMPLES[name]))
    assert decode_data(type_of_example(name), msgspec.msgpack.encode({**stored, "added_later": 1})) == EVENTS[name]
