"""Who edits what: locks on files.

The event id of a grant is its fencing token: it is kept while the holder refreshes, and greater for every next holder.
Times are microseconds of the log's clock.
"""

from typing import Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM, JsonObject, Notice

ReleaseReason = Literal["released", "owner_gone"]


class LockAcquired(
    Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="lock.acquired"
):
    """A lock was granted until `expires_at`. `metadata.thread_id` names the thread that it belongs to, if any."""

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


class LockRefreshed(
    Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="lock.refreshed"
):
    """Its holder keeps the lock until `expires_at`; the grant, and so the fencing token, stays the same."""

    file_path: str
    agent_id: str
    expires_at: int
    fencing_token: int

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"lock/{self.file_path}"


class LockReleased(
    Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="lock.released"
):
    """The lock is free: given back by its holder, or taken back by the hub because the holder's session ended.

    In the second case the event carries the notice that tells the others.
    """

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


class LockRefused(
    Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag="lock.refused"
):
    """Somebody else asked for a held lock; written once for each pair of grant and asker."""

    file_path: str
    asker_agent_id: str
    agent_id: str
    fencing_token: int

    @property
    def actor(self) -> str:
        return self.asker_agent_id

    def stream(self, event_id: int) -> str:
        return f"lock/{self.file_path}"
