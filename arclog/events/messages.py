"""What is said: messages, and the notices that other events carry."""

from typing import Any, ClassVar, Final, Literal

from msgspec import Struct

SYSTEM: Final = "system"
"""The hub's own name as a sender; no caller may use it."""
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
    """The message that the hub itself posts with an event; its id is that event's id."""

    body: str
    channel: str
    thread_id: str | None = None
    reply_to: int | None = None
    metadata: JsonObject = {}


class MessagePosted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody said something. The message's id is the event's id.

    A `task` or `task_request` opens the task of the same id below `parent_task_id`. `completes_task_id` is the open
    request that this `task_result` answers and thereby completes, `completes_in_thread_id` that task's thread.
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

    @property
    def actor(self) -> str:
        return self.from_agent

    def stream(self, event_id: int) -> str:
        """The task that the message opens or completes, else the recipient's inbox, else the channel."""
        if self.kind in TASK_KINDS:
            return f"task/{event_id}"
        if self.completes_task_id is not None:
            return f"task/{self.completes_task_id}"
        if self.to_agent is not None:
            return f"inbox/{self.to_agent}"
        return f"channel/{self.channel}"
