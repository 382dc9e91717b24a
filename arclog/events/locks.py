"""Who edits what: locks on files.

The event id of a grant is its fencing token: it is kept while the holder refreshes, and greater for every next holder.
Times are microseconds of the log's clock.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM, JsonObject, Notice

ReleaseReason = Literal["released", "owner_gone"]


class LockAcquired(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A lock was granted until `expires_at`. `metadata.thread_id` names the thread that it belongs to, if any."""

    type: ClassVar[str] = "lock.acquired"

    file_path: str
    agent_id: str
    expires_at: int
    metadata: JsonObject = {}
    occurred_at: int | None = None

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"lock/{self.file_path}"


class LockRefreshed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Its holder keeps the lock until `expires_at`; the grant, and so the fencing token, stays the same."""

    type: ClassVar[str] = "lock.refreshed"

    file_path: str
    agent_id: str
    expires_at: int
    fencing_token: int

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"lock/{self.file_path}"


class LockReleased(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lock is free: given back by its holder, or taken back by the hub because the holder's session ended.

    In the second case the event carries the notice that tells the others.
    """

    type: ClassVar[str] = "lock.released"

    file_path: str
    agent_id: str
    fencing_token: int
    reason: ReleaseReason = "released"
    notice: Notice | None = None
    occurred_at: int | None = None

    @property
    def actor(self) -> str:
        return SYSTEM if self.reason == "owner_gone" else self.agent_id

    def stream(self, event_id: int) -> str:
        return f"lock/{self.file_path}"


class LockRefused(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody else asked for a held lock; written once for each pair of grant and asker."""

    type: ClassVar[str] = "lock.refused"

    file_path: str
    asker_agent_id: str
    agent_id: str
    fencing_token: int

    @property
    def actor(self) -> str:
        return self.asker_agent_id

    def stream(self, event_id: int) -> str:
        return f"lock/{self.file_path}"
