"""Who does what: claims on pieces of work.

The event id of a grant is its fencing token: it is kept while the holder refreshes, and greater for every next holder.
Times are microseconds of the log's clock.
"""

from functools import lru_cache
from typing import ClassVar, Final, Literal

from msgspec import Struct

from arclog.events.leases import (
    FIRST_REASONS,
    LeaveReason,
    ReleaseReason,
    Wait,
    leaves,
    releases,
)
from arclog.events.messages import JsonObject, Notice
from arclog.events.rule_numbers import FIRST_RULES, OVERLAP_RULES, WORK_RULES

Pick = Literal["priority", "waited"]
MAX_KNOWN_KEYS: Final = 1_024
"""Keys of which it is remembered whose they are; the same few come with nearly every call."""


def claim_key_of(task_id: int) -> str:
    """The claim that is the lease on a task."""
    return f"task-{task_id}"


@lru_cache(MAX_KNOWN_KEYS)
def task_of_key(claim_key: str) -> int | None:
    """The task whose own claim a key is."""
    noun, _, number = claim_key.partition("-")
    if noun == "task" and number.isascii() and number.isdigit() and claim_key_of(int(number)) == claim_key:
        return int(number) if int(number) < 2**63 else None
    return None


class OnClaim(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is about one claim."""

    claim_key: str

    def stream(self, event_id: int) -> str:
        return f"claim/{self.claim_key}"


class OfOwner(OnClaim, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What an agent does with its claim, or with its place in the queue for one."""

    owner_agent_id: str

    @property
    def actor(self) -> str:
        return self.owner_agent_id


class ClaimAcquired(OfOwner, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A claim was granted until `expires_at`; `place` is where it was waited for, the id of a `claim.queued`.

    `pick` says that it is the lease on a task which the hub picked, and why that one: by its priority, or because it
    had waited for long. Such a lease counts as an attempt when it lapses.
    """

    type: ClassVar[str] = "claim.acquired"

    expires_at: int
    thread_id: str | None = None
    task_message_id: int | None = None
    metadata: JsonObject = {}
    occurred_at: int | None = None
    place: int | None = None
    pick: Pick | None = None

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        if self.pick is not None:
            return WORK_RULES
        return FIRST_RULES if self.place is None else OVERLAP_RULES


class ClaimRefreshed(OfOwner, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Its holder keeps the claim until `expires_at`; the grant, and so the fencing token, stays the same."""

    type: ClassVar[str] = "claim.refreshed"

    expires_at: int
    fencing_token: int


class ClaimReleased(OfOwner, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The claim is free: given back by its holder, taken away by an operator, or taken back by the hub.

    The hub does so when the holder's session ended, when the lease lapsed and somebody waits for it, and when a grant
    could not be told to the one that had waited for it. `forced_by` and `why` are of the operator; the notice tells the
    others.
    """

    type: ClassVar[str] = "claim.released"

    fencing_token: int
    reason: ReleaseReason = "released"
    notice: Notice | None = None
    occurred_at: int | None = None
    forced_by: str | None = None
    why: str | None = None

    @property
    def actor(self) -> str:
        return releases(self.owner_agent_id, self.reason, self.forced_by)

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        return FIRST_RULES if self.reason in FIRST_REASONS else OVERLAP_RULES


class ClaimRefused(OnClaim, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody else asked for a held claim; written once for each pair of grant and asker, and for each circle.

    Where one that waits for it stands in the way, `is_waiting` is set, and `fencing_token` is that place in the queue.
    `circle` tells how the holder waits for the asker, which was not let wait for it.
    """

    type: ClassVar[str] = "claim.refused"

    asker_agent_id: str
    owner_agent_id: str
    fencing_token: int
    is_waiting: bool = False
    circle: tuple[Wait, ...] = ()

    @property
    def actor(self) -> str:
        return self.asker_agent_id

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        return OVERLAP_RULES if self.is_waiting else FIRST_RULES


class ClaimQueued(OfOwner, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody waits for a claim from now on, or goes on waiting at its place with another call.

    Attributes:
        claim_key: the claim.
        owner_agent_id: who waits.
        wait_until: when the call ends; the place is kept a little longer.
        ttl: how long the lease is to last once it is granted, in microseconds.
        hub_id: the hub that holds the call, which alone may grant it.
        thread_id: what the claim is to carry, as the two after it.
        task_message_id: the message that describes the work.
        metadata: the holder's own.
        passes: earlier places that it does not wait for, because they wait for its agent.
        place: the place that it goes on at; without one, the event's own id is the place.
    """

    type: ClassVar[str] = "claim.queued"
    rules: ClassVar[int] = OVERLAP_RULES

    wait_until: int
    ttl: int
    hub_id: str
    thread_id: str | None = None
    task_message_id: int | None = None
    metadata: JsonObject = {}
    passes: tuple[int, ...] = ()
    place: int | None = None


class ClaimLeft(OfOwner, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A place in the queue is given up: by its agent, because that is gone, or because no call came back to it."""

    type: ClassVar[str] = "claim.left"
    rules: ClassVar[int] = OVERLAP_RULES

    place: int
    reason: LeaveReason = "left"

    @property
    def actor(self) -> str:
        return leaves(self.owner_agent_id, self.reason)


class ClaimHandedOver(OfOwner, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A claim goes from one agent to another, under a new fencing token, which is this event; its time stays.

    `fencing_token` is the grant that it was; `serves` are the receiver's places in the queue that end with it.
    """

    type: ClassVar[str] = "claim.handed_over"
    rules: ClassVar[int] = OVERLAP_RULES

    to_agent_id: str
    fencing_token: int
    serves: tuple[int, ...] = ()
