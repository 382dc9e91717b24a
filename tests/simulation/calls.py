"""What agents asked for and what they were told, as the oracle has to know it."""

from dataclasses import dataclass, field

from arclog.errors import ArcError
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.message_pages import MessageQuery, Page

NEVER = 2**63


@dataclass
class Asked:
    """A call that changes something; times are the world's, in microseconds.

    Attributes:
        agent: who asked.
        command: for what.
        key: its idempotency key, the same each time it was tried.
        begun_at: when it was sent first.
        ended_at: when it was answered; never, where nobody was told.
        outcome: what it was told.
        error: why it was refused.
        tried: how often it was sent.
        process: the hub that answered.
        again: what it was told when it was sent once more after that.
    """

    agent: str
    command: Command
    key: str
    begun_at: int
    ended_at: int = NEVER
    outcome: Outcome | None = None
    error: ArcError | None = None
    tried: int = 0
    process: int = 0
    again: Outcome | None = None


@dataclass
class Read:
    """A look for messages, perhaps after a wait.

    Attributes:
        agent: who looked.
        place: at which hub's place.
        process: at which hub.
        query: for what.
        begun_at: when it was sent.
        ended_at: when it was answered.
        wait_sec: how long it was to wait.
        page: what was found.
    """

    agent: str
    place: int
    process: int
    query: MessageQuery
    begun_at: int
    wait_sec: float
    ended_at: int = NEVER
    page: Page | None = None


@dataclass
class Heard:
    """All that was asked and told in a run."""

    asked: list[Asked] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    followed: list[tuple[int, list[int]]] = field(default_factory=list)
    """Pages of the log: after which event, and which were shown."""
