"""Who does what: claims on pieces of work.

The event id of a grant is its fencing token: it is kept while the holder refreshes, and greater for every next holder.
Times are microseconds of the log's clock.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM, JsonObject, Notice

ReleaseReason = Literal["released", "owner_gone"]


class ClaimAcquired(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A claim was granted until `expires_at`."""

    type: ClassVar[str] = "claim.acquired"

    claim_key: str
    owner_agent_id: str
    expires_at: int
    thread_id: str | None = None
    task_message_id: int | None = None
    metadata: JsonObject = {}
    occurred_at: int | None = None

    @property
    def actor(self) -> str:
        return self.owner_agent_id

    def stream(self, event_id: int) -> str:
        return f"claim/{self.claim_key}"


class ClaimRefreshed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Its holder keeps the claim until `expires_at`; the grant, and so the fencing token, stays the same."""

    type: ClassVar[str] = "claim.refreshed"

    claim_key: str
    owner_agent_id: str
    expires_at: int
    fencing_token: int

    @property
    def actor(self) -> str:
        return self.owner_agent_id

    def stream(self, event_id: int) -> str:
        return f"claim/{self.claim_key}"


class ClaimReleased(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The claim is free: given back by its holder, or taken back by the hub because the holder's session ended.

    In the second case the event carries the notice that tells the others.
    """

    type: ClassVar[str] = "claim.released"

    claim_key: str
    owner_agent_id: str
    fencing_token: int
    reason: ReleaseReason = "released"
    notice: Notice | None = None
    occurred_at: int | None = None

    @property
    def actor(self) -> str:
        return SYSTEM if self.reason == "owner_gone" else self.owner_agent_id

    def stream(self, event_id: int) -> str:
        return f"claim/{self.claim_key}"


class ClaimRefused(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody else asked for a held claim; written once for each pair of grant and asker."""

    type: ClassVar[str] = "claim.refused"

    claim_key: str
    asker_agent_id: str
    owner_agent_id: str
    fencing_token: int

    @property
    def actor(self) -> str:
        return self.asker_agent_id

    def stream(self, event_id: int) -> str:
        return f"claim/{self.claim_key}"
