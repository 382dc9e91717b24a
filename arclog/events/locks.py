"""Who edits what: locks on files.

The event id of a grant is its fencing token: it is kept while the holder refreshes, and greater for every next holder.
A lock may be on several paths: then each event names the paths that it is about. A path is kept as it was sent, and its
key (`arclog.paths`) beside it where that differs; in older logs every path is its own key.
Times are microseconds of the log's clock.
"""

from typing import ClassVar

from msgspec import Struct

from arclog.events.leases import (
    FIRST_REASONS,
    LeaveReason,
    Mode,
    ReleaseReason,
    Wait,
    leaves,
    releases,
)
from arclog.events.messages import JsonObject, Notice
from arclog.events.rule_numbers import FIRST_RULES, OVERLAP_RULES


class LockedPath(Struct, frozen=True, omit_defaults=True, gc=False):
    """A path as it was sent, and its key where that differs."""

    file_path: str
    key: str | None = None


class OnPaths(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is about one path or more.

    Attributes:
        file_path: the first path, as it was sent.
        key: its key, where that differs.
        others: the further paths.
    """

    file_path: str
    key: str | None = None
    others: tuple[LockedPath, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all paths."""
        first = self.key or self.file_path
        return (first, *(other.key or other.file_path for other in self.others)) if self.others else (first,)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, as they were sent."""
        return (self.file_path, *(other.file_path for other in self.others)) if self.others else (self.file_path,)

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        return _rules_of_paths(self)

    def stream(self, event_id: int) -> str:
        return f"lock/{self.key or self.file_path}"


def _rules_of_paths(on: OnPaths) -> int:
    """What a hub must know to tell what overlaps these paths: of one plain path nothing new."""
    plain = on.key is None and not on.others and "*" not in on.file_path and "?" not in on.file_path
    return FIRST_RULES if plain else OVERLAP_RULES


class OfAgent(OnPaths, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What an agent does with its lock, or with its place in the queue for one."""

    agent_id: str

    @property
    def actor(self) -> str:
        return self.agent_id


class LockAcquired(OfAgent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A lock was granted until `expires_at`. `metadata.thread_id` names the thread that it belongs to, if any.

    Attributes:
        agent_id: who has it.
        expires_at: until when.
        metadata: the holder's own.
        occurred_at: when it happened, where it was brought in from elsewhere.
        mode: whether others may have it too.
        kept: keys that the holder had alone already, and keeps so although it asked to share them.
        upgrades: keys that the holder shared until now, and has alone from here on.
        place: the place in the queue at which it was waited for, the id of a `lock.queued`.
        is_automatic: whether a hook asked by itself.
        parent: the agent whose sub-agent the holder is; that one may have the same key alone beside it.
    """

    type: ClassVar[str] = "lock.acquired"

    expires_at: int
    metadata: JsonObject = {}
    occurred_at: int | None = None
    mode: Mode = "exclusive"
    kept: tuple[str, ...] = ()
    upgrades: tuple[str, ...] = ()
    place: int | None = None
    is_automatic: bool = False
    parent: str | None = None

    @property
    def rules(self) -> int:
        if self.mode == "shared" or self.place is not None or self.upgrades:
            return OVERLAP_RULES
        return _rules_of_paths(self)


class LockRefreshed(OfAgent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Its holder keeps the lock until `expires_at`; the grant, and so the fencing token, stays the same."""

    type: ClassVar[str] = "lock.refreshed"

    expires_at: int
    fencing_token: int


class LockReleased(OfAgent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lock is free: given back by its holder, taken away by an operator, or taken back by the hub.

    The hub does so when the holder's session ended, when the lease lapsed and somebody waits for it, and when a grant
    could not be told to the one that had waited for it.

    Attributes:
        agent_id: who had it.
        fencing_token: which grant it was.
        reason: why it is free.
        notice: the message that tells the others.
        occurred_at: when it happened, where it was brought in from elsewhere.
        forced_by: who took it away.
        why: what the one that took it away said.
    """

    type: ClassVar[str] = "lock.released"

    fencing_token: int
    reason: ReleaseReason = "released"
    notice: Notice | None = None
    occurred_at: int | None = None
    forced_by: str | None = None
    why: str | None = None

    @property
    def actor(self) -> str:
        return releases(self.agent_id, self.reason, self.forced_by)

    @property
    def rules(self) -> int:
        return _rules_of_paths(self) if self.reason in FIRST_REASONS else OVERLAP_RULES


class LockRefused(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody else asked for a held lock; written once for each pair of grant and asker, and for each circle.

    Attributes:
        file_path: what was asked for, as it was sent.
        asker_agent_id: who asked.
        agent_id: who has it, or comes first for it.
        fencing_token: the grant that is in the way, or the place in the queue.
        key: the key of what was asked for, where it differs.
        held: the key that is held, where it is another.
        witness: a path that both cover.
        mode: how it was asked for.
        is_waiting: whether what is in the way is a place in the queue.
        circle: how the holder waits for the asker, which was not let wait for it; empty where it only asked.
    """

    type: ClassVar[str] = "lock.refused"

    file_path: str
    asker_agent_id: str
    agent_id: str
    fencing_token: int
    key: str | None = None
    held: str | None = None
    witness: str | None = None
    mode: Mode = "exclusive"
    is_waiting: bool = False
    circle: tuple[Wait, ...] = ()

    @property
    def actor(self) -> str:
        return self.asker_agent_id

    @property
    def rules(self) -> int:
        return FIRST_RULES if self.held is None and not self.is_waiting else OVERLAP_RULES

    def stream(self, event_id: int) -> str:
        return f"lock/{self.held or self.key or self.file_path}"


class LockQueued(OfAgent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody waits for a lock from now on, or goes on waiting at its place with another call.

    Attributes:
        agent_id: who waits.
        wait_until: when the call ends; the place is kept a little longer.
        ttl: how long the lease is to last once it is granted, in microseconds.
        hub_id: the hub that holds the call, which alone may grant it.
        mode: how it is asked for.
        metadata: what the lock is to carry.
        passes: earlier places that it does not wait for, because they wait for its agent.
        place: the place that it goes on at; without one, the event's own id is the place.
    """

    type: ClassVar[str] = "lock.queued"
    rules: ClassVar[int] = OVERLAP_RULES

    wait_until: int
    ttl: int
    hub_id: str
    mode: Mode = "exclusive"
    metadata: JsonObject = {}
    passes: tuple[int, ...] = ()
    place: int | None = None


class LockLeft(OfAgent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A place in the queue is given up: by its agent, because that is gone, or because no call came back to it."""

    type: ClassVar[str] = "lock.left"
    rules: ClassVar[int] = OVERLAP_RULES

    place: int
    reason: LeaveReason = "left"

    @property
    def actor(self) -> str:
        return leaves(self.agent_id, self.reason)


class LockHandedOver(OfAgent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A lock goes from one agent to another, under a new fencing token, which is this event; its time stays.

    Attributes:
        agent_id: who had it.
        to_agent_id: who has it now.
        fencing_token: the grant that it was.
        serves: places of the receiver in the queue that end with it.
        to_parent: the agent whose sub-agent the receiver is.
    """

    type: ClassVar[str] = "lock.handed_over"
    rules: ClassVar[int] = OVERLAP_RULES

    to_agent_id: str
    fencing_token: int
    serves: tuple[int, ...] = ()
    to_parent: str | None = None
