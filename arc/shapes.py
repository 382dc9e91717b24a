"""What the hub's answers look like, for type checkers: at run time they are plain dicts, and nothing loads this.

Times are UTC, as in `2026-11-22T11:20:56Z`. A newer hub may add fields.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Protocol, TypedDict


class Session(TypedDict):
    """The presence of an agent."""

    session_id: str
    agent_id: str
    display_name: str
    capabilities: list[str]
    metadata: dict[str, Any]
    created_at: str
    last_seen: str
    active: bool
    root: NotRequired[str]
    parent: NotRequired[str]


class Bootstrap(TypedDict):
    """Where an agent stands: its session, the newest message that it may see, and who else is there."""

    agent_id: str
    session: Session | None
    latest_visible_id: int
    live_agents: list[Session]
    default_channel: str


class Wake(TypedDict):
    """An agent that was to be woken, and what came of it."""

    wake_id: int
    agent_id: str
    from_agent: str
    message_id: int | None
    state: Literal["requested", "sent", "seen", "acknowledged", "dark"]
    turn: Literal["harness", "watch"]
    road: str | None
    requested_at: str
    changed_at: str


class Channel(TypedDict):
    """A named room for broadcasts."""

    name: str
    created_at: str
    created_by: str | None
    metadata: dict[str, Any]


class Message(TypedDict):
    """One message. Without `to_agent` it is a broadcast."""

    id: int
    ts: str
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    body: str
    attachments: list[dict[str, Any]]
    reply_to: int | None
    thread_id: str | None
    metadata: dict[str, Any]
    # What follows is only there where it says something.
    ack: NotRequired[bool]
    ack_by: NotRequired[str]
    urgency: NotRequired[Literal["urgent"]]
    provenance: NotRequired[Literal["unverified-human", "human"]]


class Receipt(TypedDict):
    """How it stands with a message that asks to be acknowledged."""

    message_id: int
    to_agent: str
    from_agent: str
    asked_at: str
    ack_by: str | None
    acknowledged_at: str | None
    how: Literal["ack", "reply"] | None
    overdue: bool


class DigestLine(TypedDict):
    """One fact of a digest, with the event that leads to it."""

    kind: str
    event_id: int
    sender: str
    text: str


class Digest(TypedDict):
    """What changed while an agent was away."""

    agent_id: str
    since: int
    until: int
    lines: list[DigestLine]
    left_out: int
    text: str


class Hit(TypedDict):
    """A message that a search found; `snippet` is the part where, what was found between `[` and `]`."""

    id: int
    ts: str
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    thread_id: str | None
    snippet: str


class Claim(TypedDict):
    """The right to do one piece of work, until `expires_at`."""

    claim_key: str
    thread_id: str | None
    task_message_id: int | None
    owner_agent_id: str
    claimed_at: str
    expires_at: str
    released_at: str | None
    metadata: dict[str, Any]
    fencing_token: NotRequired[int]  # not from a 0.1.1 hub


class Lock(TypedDict):
    """The right to change one file, until `expires_at`."""

    file_path: str
    agent_id: str
    locked_at: str
    expires_at: str
    released_at: str | None
    metadata: dict[str, Any]
    fencing_token: NotRequired[int]  # not from a 0.1.1 hub, as all that follows
    key: NotRequired[str]
    mode: NotRequired[str]
    witness: NotRequired[str]
    waiting: NotRequired[bool]


class Task(TypedDict):
    """A piece of work; its id is that of the message that opened it."""

    task_id: int
    parent_task_id: int | None
    channel: str
    thread_id: str | None
    status: Literal["open", "done"]
    created_at: str
    completed_at: str | None
    # What follows is not from a 0.1.1 hub.
    title: NotRequired[str]
    state: NotRequired[Literal["open", "claimed", "done", "failed", "cancelled"]]
    opener: NotRequired[str]
    assignee: NotRequired[str | None]
    claimed_by: NotRequired[str | None]
    claimed_until: NotRequired[str | None]
    fencing_token: NotRequired[int | None]
    priority: NotRequired[int]
    depends_on: NotRequired[list[int]]
    waits_for: NotRequired[int]
    needs: NotRequired[list[str]]
    not_before: NotRequired[str | None]
    attempts: NotRequired[int]
    max_attempts: NotRequired[int]
    not_ready: NotRequired[list[str]]


class Question(TypedDict):
    """What an agent asked a person; its id is that of the message that asks it, and of the task that it is."""

    question_id: int
    asker: str
    body: str
    options: list[str]
    default: str | None
    deadline: str | None
    for_task_id: int | None
    channel: str
    thread_id: str | None
    urgent: bool
    asked_at: str
    state: Literal["open", "answered", "cancelled"]
    answer: str | None
    answered_by: str | None
    by_default: bool
    provenance: Literal["unverified-human", "human"] | None
    ended_at: str | None
    ended_by: int | None


class NewTask(TypedDict):
    """One task of several that are opened at once; `ref` names it for the others."""

    body: str
    ref: NotRequired[str]
    parent: NotRequired[int | str]
    depends_on: NotRequired[list[int | str]]
    assignee: NotRequired[str]
    priority: NotRequired[int]
    needs: NotRequired[list[str]]
    not_before: NotRequired[str]
    max_attempts: NotRequired[int]
    metadata: NotRequired[dict[str, Any]]


class Picked(TypedDict):
    """A task that the hub gave to who asked for the next one, and why that one."""

    task: Task
    why: str


class ThreadSummary(TypedDict):
    """One thread in figures."""

    thread_id: str
    channel: str
    root_task_id: int | None
    latest_message_id: int | None
    latest_message_ts: str | None
    latest_artifact_id: int | None
    message_count: int
    total_task_count: int
    open_task_count: int
    active_claim_count: int
    active_lock_count: int
    status: Literal["open", "waiting", "completed"]


class Thread(TypedDict):
    """One thread, whole."""

    thread: ThreadSummary
    messages: list[Message]
    tasks: list[Task]
    claims: list[Claim]
    locks: list[Lock]


class Transport(Protocol):
    """What carries the calls of an `ArcClient`."""

    def call(
        self, method: str, path: str, payload: dict[str, Any] | None = None, *, timeout_override: float | None = None
    ) -> dict[str, Any]:
        """The hub's envelope, `{"ok": true, "result": …}`; a refusal is raised as `ArcError`, or returned as it is."""
