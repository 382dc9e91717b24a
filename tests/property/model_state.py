"""What the model of the rules knows of each thing."""

from dataclasses import dataclass, field


@dataclass
class Lease:
    owner: str
    token: int
    expires_at: int
    thread: str | None
    channel: object
    released: bool = False
    refused: set[str] = field(default_factory=set)

    def is_active(self, now: int) -> bool:
        return not self.released and self.expires_at >= now


@dataclass
class Session:
    name: str
    last_seen_at: int


@dataclass
class Task:
    kind: str
    parent: int | None
    thread: str | None
    channel: str
    done: bool = False


@dataclass
class Said:
    """A message, or a notice of the hub."""

    event_id: int
    channel: str
    thread: str | None = None
    kind: str = "notice"
    by: str = "system"
    to: str | None = None
