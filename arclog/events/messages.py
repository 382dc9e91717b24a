"""What is said: messages, and the notices that other events carry."""

from typing import Any, ClassVar, Final, Literal

from msgspec import Struct

from arclog.events.rule_numbers import FIRST_RULES, WORK_RULES

SYSTEM: Final = "system"
"""The hub's own name as a sender; no caller may use it."""
HUMAN: Final = "human"
"""The agent name that questions to a person go to."""
GENERAL_CHANNEL: Final = "general"
DIRECT_CHANNEL: Final = "direct"

JsonObject = dict[str, Any]
"""A caller's own JSON object, kept as it came."""

TASK_KINDS: Final = frozenset({"task", "task_request"})
"""Message kinds that open a task; the task's id is the id of the message."""


class TextAttachment(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="type", tag="text"):
    """A piece of plain text."""

    content: str


class JsonAttachment(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="type", tag="json"):
    """Any JSON value."""

    content: Any


class CodeAttachment(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="type", tag="code"):
    """A piece of source code."""

    content: str
    language: str | None = None


class FileRefAttachment(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="type", tag="file_ref"):
    """A place in a file."""

    path: str
    description: str | None = None
    base: str | None = None
    head: str | None = None
    start_line: int | None = None
    end_line: int | None = None


class DiffRefAttachment(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="type", tag="diff_ref"):
    """A difference between two revisions of a file."""

    path: str
    description: str | None = None
    base: str | None = None
    head: str | None = None
    start_line: int | None = None
    end_line: int | None = None


Attachment = TextAttachment | JsonAttachment | CodeAttachment | FileRefAttachment | DiffRefAttachment

MessageKind = Literal["artifact", "chat", "claim", "notice", "release", "task", "task_request", "task_result"]


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The message that the hub itself posts with an event, to all or to one agent; its id is that event's id.

    Attributes:
        body: what it says.
        channel: where.
        thread_id: in which thread.
        reply_to: the message that it is about.
        metadata: the same for programs.
        to_agent: the only agent that it is for.
        erased: whether what it said was erased.
    """

    body: str
    channel: str
    thread_id: str | None = None
    reply_to: int | None = None
    metadata: JsonObject = {}
    to_agent: str | None = None
    erased: bool = False


class TaskTerms(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a message that opens a task says of the work, beside its text. Times are microseconds of the log's clock.

    Attributes:
        assignee: the only agent that is to do it.
        priority: 0 is done first, 4 last.
        depends_on: tasks that must be done before.
        needs: capabilities that an agent must have to do it.
        not_before: it is not ready earlier.
        max_attempts: how many of its leases may lapse before it has failed.
        options: of a question, the answers to choose from.
        default: of a question, the answer that counts when there is none by its deadline.
        deadline: of a question, when that is.
        for_task_id: of a question, the task that waits for its answer.
    """

    assignee: str | None = None
    priority: int = 2
    depends_on: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()
    not_before: int | None = None
    max_attempts: int = 3
    options: tuple[str, ...] = ()
    default: str | None = None
    deadline: int | None = None
    for_task_id: int | None = None


Provenance = Literal["unverified-human", "human"]
"""Where a message comes from, when it is not simply an agent; only the hub says so."""


class Handling(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How a message is to be taken, where that is not as usual.

    Attributes:
        ack: whether its recipient is to acknowledge it.
        ack_by: by when, in microseconds of the log's clock.
        urgent: whether it is urgent.
        provenance: where it comes from, when that is a person.
        erased: whether what it said is no more.
        looks_like_a_secret: whether something in it looks like a key.
    """

    ack: bool = False
    ack_by: int | None = None
    urgent: bool = False
    provenance: Provenance | None = None
    erased: bool = False
    looks_like_a_secret: bool = False


class MessagePosted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody said something. The message's id is the event's id.

    A `task` or `task_request` opens the task of the same id below `parent_task_id`. `completes_task_id` is the open
    request that this `task_result` answers and thereby completes, `completes_in_thread_id` that task's thread.
    `freed_token` is of the lease that ends with it: that of the task that it completes, or of the one that waits for
    the answer to this question.
    """

    type: ClassVar[str] = "message.posted"

    from_agent: str
    channel: str
    to_agent: str | None = None
    kind: str = "chat"
    body: str = ""
    attachments: tuple[Attachment, ...] = ()
    reply_to: int | None = None
    thread_id: str | None = None
    metadata: JsonObject = {}
    parent_task_id: int | None = None
    completes_task_id: int | None = None
    completes_in_thread_id: str | None = None
    task: TaskTerms | None = None
    freed_token: int | None = None
    handling: Handling | None = None

    @property
    def actor(self) -> str:
        return self.from_agent

    @property
    def freed_task_id(self) -> int | None:
        """The task whose lease ends with it."""
        if self.freed_token is None:
            return None
        return self.completes_task_id if self.task is None else self.task.for_task_id

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        if self.task is not None or self.freed_token is not None:
            return WORK_RULES
        if self.handling is not None and self.handling.ack:
            return WORK_RULES  # a reply acknowledges it, and only a hub that knows this records it
        return WORK_RULES if self.kind == "task_request" and self.to_agent == HUMAN else FIRST_RULES

    def stream(self, event_id: int) -> str:
        """The task that the message opens or completes, else the recipient's inbox, else the channel."""
        if self.kind in TASK_KINDS:
            return f"task/{event_id}"
        if self.completes_task_id is not None:
            return f"task/{self.completes_task_id}"
        if self.to_agent is not None:
            return f"inbox/{self.to_agent}"
        return f"channel/{self.channel}"


def is_of_task(message: MessagePosted) -> bool:
    """Whether a message opens a task or completes one; nearly none does."""
    return message.kind in TASK_KINDS or message.completes_task_id is not None
