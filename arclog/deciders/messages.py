"""Messages: what may be said, where, and which of them open or complete a task."""

from operator import attrgetter
from typing import ClassVar, Final, Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.deciders import fields, secrets
from arclog.deciders.fields import Limits
from arclog.deciders.task_terms import decide_question, decide_terms, is_human, known_dependencies
from arclog.deciders.tasks import KnownTask
from arclog.erasure import texts_of
from arclog.errors import Conflict, InvalidInput
from arclog.events import DIRECT_CHANNEL, GENERAL_CHANNEL, Attachment, Handling, JsonObject, MessagePosted, TaskTerms
from arclog.events.messages import (
    HUMAN,
    TASK_KINDS,
    DiffRefAttachment,
    FileRefAttachment,
    JsonAttachment,
    MessageKind,
    Provenance,
)
from arclog.limits import MICROSECONDS

MESSAGE_KINDS: Final[tuple[str, ...]] = tuple(sorted(get_args(MessageKind)))
_KINDS: Final = frozenset(MESSAGE_KINDS)
MAX_ACK_SEC: Final = 30 * 86_400
"""How long a sender may give a recipient to acknowledge a message."""

Urgency = Literal["normal", "urgent"]


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
    assignee: str | None = None
    priority: int | None = None
    depends_on: list[int] | None = None
    needs: list[str] | None = None
    not_before: str | None = None
    max_attempts: int | None = None
    options: list[str] | None = None
    default: str | None = None
    deadline_sec: float | None = None
    for_task_id: int | None = None
    ack: bool = False
    ack_within_sec: float | None = None
    urgency: Urgency = "normal"
    allow_secret: bool = False

    @property
    def opens_task(self) -> bool:
        """Whether it opens a task, by its kind."""
        return self.kind.strip().lower() in TASK_KINDS

    @property
    def is_question(self) -> bool:
        """Whether it asks a person, who alone can answer it."""
        recipient = self.recipient
        return recipient is not None and is_human(recipient) and self.kind.strip().lower() == "task_request"

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
        dependencies: those of the tasks that it depends on that there are.
        waiting_task: for a question, the task that waits for its answer.
        provenance: where it comes from, when that is a person.
    """

    channel_exists: bool = True
    parent_exists: bool = True
    open_request: KnownTask | None = None
    limits: Limits = Limits()
    dependencies: tuple[int, ...] = ()
    waiting_task: KnownTask | None = None
    provenance: Provenance | None = None


def decide_post(state: Posting, command: PostMessage, now: int) -> MessagePosted:
    """Accept a message, or say what about it cannot be accepted."""
    kind = command.kind.strip().lower()
    if kind not in _KINDS:
        raise InvalidInput("kind", f"must be one of {', '.join(MESSAGE_KINDS)}, not {command.kind!r}")
    to_agent = None if command.to_agent is None else fields.optional_id("to_agent", command.to_agent)
    if to_agent is not None and is_human(to_agent):
        to_agent = HUMAN
    channel = fields.required_id("channel", command.room)
    body = command.body
    if not body and not command.attachments:
        raise InvalidInput("body", "or an attachment is required")
    if len(body) > state.limits.max_body_chars:
        raise InvalidInput("body", f"must be at most {state.limits.max_body_chars} characters, not {len(body)}")
    answered = state.open_request if kind == "task_result" else None
    if answered is not None and answered.is_question and state.provenance is None:
        answered = None  # only a person answers what a person was asked; from all others it is a comment
    ended = answered or state.waiting_task
    if kind not in TASK_KINDS:
        _refuse_terms(command)
    parent = command.parent_task_id
    within_sec = command.ack_within_sec
    is_special = command.ack or within_sec is not None or command.urgency != "normal" or state.provenance is not None
    posted = MessagePosted(
        from_agent=fields.agent("from_agent", command.from_agent),
        channel=channel,
        to_agent=to_agent,
        kind=kind,
        body=body,
        attachments=_attachments(command.attachments, state.limits) if command.attachments else (),
        reply_to=None if command.reply_to is None else fields.integer("reply_to", command.reply_to),
        thread_id=None if command.thread_id is None else fields.optional_id("thread_id", command.thread_id),
        metadata=fields.metadata(command.metadata) if command.metadata else {},
        parent_task_id=None if parent is None else fields.integer("parent_task_id", parent),
        completes_task_id=answered.task_id if answered else None,
        completes_in_thread_id=answered.thread_id if answered else None,
        task=_terms(state, command, kind, to_agent, now) if kind in TASK_KINDS else None,
        freed_token=None if ended is None else ended.freed_token,
        handling=_handling(state, command, to_agent, now) if is_special else None,
    )
    rule = "off" if command.allow_secret else state.limits.secrets
    if secrets.check("the message", (body,) if not (posted.attachments or posted.metadata) else texts_of(posted), rule):
        posted = replace(posted, handling=replace(posted.handling or Handling(), looks_like_a_secret=True))
    if to_agent is None and not state.channel_exists:
        raise InvalidInput("channel", f"{channel!r} does not exist", advice="create_channel")
    if not state.parent_exists:
        raise InvalidInput("parent_task_id", f"{command.parent_task_id} is not a known task")
    return posted


def _terms(state: Posting, command: PostMessage, kind: str, to_agent: str | None, now: int) -> TaskTerms | None:
    """What is said of the task that a message opens."""
    question = None
    if command.is_question:
        waiting = command.for_task_id
        if waiting is not None:
            _check_waiting(state.waiting_task, waiting, command.from_agent.strip(), now)
        question = decide_question(command.options, command.default, command.deadline_sec, waiting, now)
    elif (command.options, command.default, command.deadline_sec, command.for_task_id) != (None, None, None, None):
        raise InvalidInput("to_agent", f"must be {HUMAN} for a task_request with options, default, deadline or task")
    depends_on = known_dependencies(command.depends_on or (), frozenset(state.dependencies))
    return decide_terms(command, depends_on, to_agent, question)


def _check_waiting(task: KnownTask | None, task_id: int, asker: str, now: int) -> None:
    """Let a task wait for an answer whose asker has it, or could take it."""
    if task is None:
        raise InvalidInput("for_task_id", f"{task_id} is not a known task")
    if task.state != "open":
        raise InvalidInput("for_task_id", f"names task {task_id}, which is {task.state} and waits for nothing")
    holder = task.claimed_by if task.claimed_until >= now else None
    if holder not in {None, asker}:
        raise Conflict(f"task {task_id} is held by {holder}, who alone can let it wait; ask without for_task_id")
    if task.assignee not in {None, asker}:
        raise Conflict(f"task {task_id} is for {task.assignee}, who alone can let it wait; ask without for_task_id")


_TERMS: Final = (
    "assignee",
    "priority",
    "depends_on",
    "needs",
    "not_before",
    "max_attempts",
    "options",
    "default",
    "deadline_sec",
    "for_task_id",
)
_terms_of: Final = attrgetter(*_TERMS)
_NO_TERMS: Final = (None,) * len(_TERMS)


def _refuse_terms(command: PostMessage) -> None:
    """Refuse what can only be said of a task."""
    said = _terms_of(command)
    if said != _NO_TERMS:
        field = next(field for field, value in zip(_TERMS, said, strict=True) if value is not None)
        raise InvalidInput(field, f"belongs to a task: post it with kind task or task_request, not {command.kind}")


def _handling(state: Posting, command: PostMessage, to_agent: str | None, now: int) -> Handling:
    """How a message is to be taken that is not to be taken as usual."""
    within_sec = command.ack_within_sec
    ack = command.ack or within_sec is not None
    if ack and to_agent is None:
        raise InvalidInput("ack", "can be asked of one agent only; name it with to_agent")
    if within_sec is not None and not 0 < within_sec <= MAX_ACK_SEC:
        raise InvalidInput("ack_within_sec", f"must be more than 0 and at most {MAX_ACK_SEC}, not {within_sec}")
    urgent = command.urgency == "urgent"
    ack_by = None if within_sec is None else now + round(within_sec * MICROSECONDS)
    return Handling(ack=ack, ack_by=ack_by, urgent=urgent, provenance=state.provenance)


def _attachments(attachments: list[Attachment], limits: Limits) -> tuple[Attachment, ...]:
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
