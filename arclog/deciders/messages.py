"""Messages: what may be said, where, and which of them open or complete a task."""

from typing import ClassVar, Final, get_args

import msgspec
from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.fields import Limits
from arclog.deciders.tasks import KnownTask
from arclog.errors import InvalidInput
from arclog.events import DIRECT_CHANNEL, GENERAL_CHANNEL, Attachment, JsonObject, MessagePosted
from arclog.events.messages import DiffRefAttachment, FileRefAttachment, JsonAttachment, MessageKind

MESSAGE_KINDS: Final[tuple[str, ...]] = tuple(sorted(get_args(MessageKind)))
_KINDS: Final = frozenset(MESSAGE_KINDS)


class PostMessage(Struct, frozen=True, kw_only=True):
    """Say something, to everyone in a channel or to one agent."""

    sender_field: ClassVar[str | None] = "from_agent"

    from_agent: str
    to_agent: str | None = None
    channel: str | None = None
    kind: str = "chat"
    body: str = ""
    attachments: list[Attachment] | None = None
    reply_to: int | None = None
    thread_id: str | None = None
    metadata: JsonObject | None = None
    parent_task_id: int | None = None

    @property
    def recipient(self) -> str | None:
        """Whom it is for; None for everyone."""
        return (self.to_agent or "").strip() or None

    @property
    def room(self) -> str:
        """The channel it goes to: named, or the default one, also where clients write an absent one as ""."""
        if not self.channel:
            return DIRECT_CHANNEL if self.recipient else GENERAL_CHANNEL
        return self.channel.strip()


class Posting(Struct, frozen=True):
    """What is known when a message is posted.

    Attributes:
        channel_exists: whether the channel that it names is there.
        parent_exists: whether `parent_task_id` is a task.
        open_request: the task that `reply_to` names, if it is a `task_request` that is still open.
        limits: how much a message may hold.
    """

    channel_exists: bool = True
    parent_exists: bool = True
    open_request: KnownTask | None = None
    limits: Limits = Limits()


def decide_post(state: Posting, command: PostMessage, now: int) -> MessagePosted:
    """Accept a message, or say what about it cannot be accepted."""
    kind = command.kind.strip().lower()
    if kind not in _KINDS:
        raise InvalidInput("kind", f"must be one of {', '.join(MESSAGE_KINDS)}, not {command.kind!r}")
    to_agent = fields.optional_id("to_agent", command.to_agent)
    channel = fields.required_id("channel", command.room)
    body = command.body
    if not body and not command.attachments:
        raise InvalidInput("body", "or an attachment is required")
    if len(body) > state.limits.max_body_chars:
        raise InvalidInput("body", f"must be at most {state.limits.max_body_chars} characters, not {len(body)}")
    answered = state.open_request if kind == "task_result" else None
    posted = MessagePosted(
        from_agent=fields.agent("from_agent", command.from_agent),
        channel=channel,
        to_agent=to_agent,
        kind=kind,
        body=body,
        attachments=_attachments(command.attachments, state.limits),
        reply_to=fields.integer("reply_to", command.reply_to),
        thread_id=fields.optional_id("thread_id", command.thread_id),
        metadata=fields.metadata(command.metadata),
        parent_task_id=fields.integer("parent_task_id", command.parent_task_id),
        completes_task_id=answered.task_id if answered else None,
        completes_in_thread_id=answered.thread_id if answered else None,
    )
    if to_agent is None and not state.channel_exists:
        raise InvalidInput("channel", f"{channel!r} does not exist", advice="create_channel")
    if not state.parent_exists:
        raise InvalidInput("parent_task_id", f"{command.parent_task_id} is not a known task")
    return posted


def _attachments(attachments: list[Attachment] | None, limits: Limits) -> tuple[Attachment, ...]:
    if not attachments:
        return ()
    if len(attachments) > limits.max_attachments:
        raise InvalidInput("attachments", f"must be at most {limits.max_attachments}, not {len(attachments)}")
    for place, attachment in enumerate(attachments):
        _check_attachment(f"attachments[{place}]", attachment, limits.max_attachment_chars)
    return tuple(attachments)


def _check_attachment(field: str, attachment: Attachment, most: int) -> None:
    if isinstance(attachment, FileRefAttachment | DiffRefAttachment):
        fields.file_path(f"{field}.path", attachment.path)
        fields.integer(f"{field}.start_line", attachment.start_line)
        fields.integer(f"{field}.end_line", attachment.end_line)
        size = len(msgspec.json.encode(attachment))
        if size > most:
            raise InvalidInput(field, f"must be at most {most} bytes as JSON, not {size}")
        return
    if isinstance(attachment, JsonAttachment):
        fields.check_json(f"{field}.content", attachment.content)
    # The limit is on characters of the JSON text; its bytes are never fewer, so they are a quick first look.
    encoded = msgspec.json.encode(attachment.content)
    if len(encoded) > most and len(encoded.decode()) > most:
        raise InvalidInput(
            f"{field}.content", f"must be at most {most} characters as JSON, not {len(encoded.decode())}"
        )
