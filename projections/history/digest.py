"""What changed while an agent was away, in a few lines: each is a fact, with who did it and the event that leads to it.

Only index look-ups, so that it costs the same on any log: of each kind a few are read, the most pressing first, and of
what does not fit it is told that there is more. No model is involved; what others wrote is quoted, cut, and stripped of
what a terminal or a reader could be led astray by.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Literal

import apsw
import msgspec
from msgspec import UNSET, Struct

from arclog.events import SessionClosed, SessionExpired, SessionOpened
from arclog.events.messages import HUMAN
from arclog.sqlite.reads import Filter, read_from_end, read_head
from projections import claims, inbox, locks, message_pages, questions, queue, receipts, sessions, tasks, wakes
from projections.intervals import AsOf
from projections.message_pages import MessageQuery, read_messages
from projections.readiness import Worker, is_ready
from projections.task_rows import TaskRow

Kind = Literal[
    "unacked", "message", "broadcast", "question", "held", "waiting", "dark", "failed", "ready", "lock", "agent"
]

MAX_QUOTED_CHARS: Final = 120
MAX_CHARS: Final = 800
"""How long a digest is, unless more or less is asked for."""
LEAST_CHARS: Final = 100
OF_A_KIND: Final = 10
"""Lines of one kind that are made at most."""
LOOKED_AT: Final = 200
"""Tasks and locks that are looked at for them."""


class Line(Struct, frozen=True):
    """One fact.

    Attributes:
        kind: what it is about.
        event_id: the event that leads to it.
        sender: who did it.
        text: the fact, in words.
    """

    kind: Kind
    event_id: int
    sender: str
    text: str


class Digest(Struct, frozen=True):
    """What changed for an agent.

    Attributes:
        agent_id: the agent.
        since: the event after which it was away.
        until: the log's last event.
        lines: the facts, the most pressing first.
        left_out: how many there are besides, as far as they were looked at.
        text: all of it as text, of no more characters than were asked for.
    """

    agent_id: str
    since: int
    until: int
    lines: tuple[Line, ...]
    left_out: int
    text: str


class _Said(Struct, frozen=True):
    """What is looked at of a message."""

    id: int
    from_agent: str
    body: str
    kind: str
    urgency: str = "normal"
    to_agent: str | None = None
    channel: str = ""


_decode_said: Final = msgspec.json.Decoder(_Said).decode


def read_digest(
    connection: apsw.Connection, agent_id: str, at: AsOf, since: int | None = None, max_chars: int = MAX_CHARS
) -> Digest:
    """What an agent should know.

    Args:
        connection: in a transaction.
        agent_id: the agent.
        at: the present.
        since: the event after which it was away; its own last event unless given.
        max_chars: how long the text may be.
    """
    head = read_head(connection).event_id
    if since is None:
        own = next(read_from_end(connection, 1, Filter(actor=agent_id)), None)
        since = 0 if own is None else own.event_id
    lines = list(_lines(connection, agent_id, at, since))
    if not lines:
        nothing = f"Nothing new for {agent_id[:40]} since event {since}, up to event {head}."[:max_chars]
        return Digest(agent_id, since, head, (), 0, nothing)
    text, kept = fit(lines, max_chars)
    return Digest(agent_id, since, head, tuple(lines[:kept]), len(lines) - kept, text)


def list_news(connection: apsw.Connection, agent_id: str, at: AsOf, since: int) -> tuple[int, list[Line]]:
    """All that a digest is made of, and what was said to everybody since then, which a digest leaves to polls.

    Args:
        connection: in a transaction.
        agent_id: the agent.
        at: the present.
        since: the event after which it was away.

    Returns:
        The log's last event, and the lines, the most pressing first.
    """
    lines = list(_lines(connection, agent_id, at, since))
    urgent = sum(line.kind in {"unacked", "message"} for line in lines)
    lines[urgent:urgent] = _broadcasts(connection, agent_id, at, since)
    return read_head(connection).event_id, lines


def fit(lines: Sequence[Line], max_chars: int) -> tuple[str, int]:
    """As many lines as there is room for, and how many these are; there must be one."""
    texts = [f"[{line.event_id}] {line.text}" for line in lines]
    kept = len(texts)
    while kept:
        left = len(texts) - kept
        shown = texts[:kept]
        if left:
            shown.append(f"[{lines[kept].event_id}] +{left} more")
        text = "\n".join(shown)
        if len(text) <= max_chars:
            return text, kept
        kept -= 1
    return f"[{lines[0].event_id}] {len(lines)} things"[:max_chars], 0


def _lines(connection: apsw.Connection, agent_id: str, at: AsOf, since: int) -> Iterator[Line]:
    yield from _unacked(connection, agent_id, at)
    yield from _said(connection, agent_id, at, since)
    yield from _questions(connection, agent_id, at, since)
    yield from _held(connection, agent_id, at)
    yield from _dark(connection, agent_id, at)
    yield from _failed(connection, agent_id, at, since)
    yield from _ready(connection, agent_id, at)
    yield from _came_and_went(connection, agent_id, since)


def _unacked(connection: apsw.Connection, agent_id: str, at: AsOf) -> Iterator[Line]:
    for one in receipts.list_wanted(connection, at, OF_A_KIND, to_agent=agent_id):
        said = _find_said(connection, one.message_id, at)
        if said is not None and _is_question(agent_id, said):
            continue
        late = ", overdue" if one.overdue else ""
        body = "" if said is None else f": {quote(said.body)}"
        text = f"{one.from_agent} has waited for your acknowledgement since {one.asked_at[:19]}Z{late}{body}"
        yield Line("unacked", one.message_id, one.from_agent, text)


def _said(connection: apsw.Connection, agent_id: str, at: AsOf, since: int) -> Iterator[Line]:
    page = inbox.read_inbox(connection, agent_id, at, since, OF_A_KIND, max_bytes=200_000)
    for row in page.rows:
        said = _decode_said(row)
        if _is_question(agent_id, said):
            continue  # it stands among the questions until it is answered
        receipt = receipts.find_receipt(connection, said.id, at)
        if receipt is None or receipt.acknowledged_at is not None:
            urgent = " (urgent)" if said.urgency == "urgent" else ""
            what = "asks" if said.kind == "task_request" else "says"
            yield Line("message", said.id, said.from_agent, f"{said.from_agent} {what}{urgent}: {quote(said.body)}")


def _broadcasts(connection: apsw.Connection, agent_id: str, at: AsOf, since: int) -> Iterator[Line]:
    query = MessageQuery(agent_id=agent_id, exclude_self=True, since_id=since, limit=2 * OF_A_KIND, max_bytes=200_000)
    for row in read_messages(connection, query, at).rows:
        said = _decode_said(row)
        if said.to_agent is None:
            text = f"{said.from_agent} says in {quote(said.channel)}: {quote(said.body)}"
            yield Line("broadcast", said.id, said.from_agent, text)


def _questions(connection: apsw.Connection, agent_id: str, at: AsOf, since: int) -> Iterator[Line]:
    """Open questions, to a person all of them, to an agent its own; and what became of these without an answer."""
    asker = None if agent_id == HUMAN else agent_id
    for row in islice(_rows(connection, "list_open_questions", at, opener=asker), LOOKED_AT):
        if asker is None:
            text = f"question {row.task_id}: {row.opener} waits for an answer: {quote(row.title)}"
            yield Line("question", row.task_id, row.opener, text)
        else:
            yield Line("question", row.task_id, agent_id, f"your question is not answered yet: {quote(row.title)}")
    for row in _rows(connection, "list_ended_questions", at, opener=agent_id, since=since, most=OF_A_KIND):
        found = questions.find_question(connection, row.task_id, at)
        if found is None or found.ended_by is None or found.answered_by is not None:
            continue  # an answer is among the messages to its asker
        became = f"the default counts: {quote(found.answer or '')}" if found.by_default else "it was cancelled"
        text = f"nobody answered your question {row.task_id}, and {became}"
        yield Line("question", found.ended_by, agent_id, text)


def _held(connection: apsw.Connection, agent_id: str, at: AsOf) -> Iterator[Line]:
    """What it holds, who waits for that, and what others have beside it."""
    never = 2**62
    held_locks = locks.list_held(connection, agent_id, at.now, never, OF_A_KIND, 1_000_000)
    held_claims = claims.list_held(connection, agent_id, at.now, never, OF_A_KIND, 1_000_000)
    for claim in held_claims:
        yield Line("held", claim.fencing_token, agent_id, f"you hold the claim {quote(claim.claim_key)}")
    for lock in held_locks:
        yield Line("held", lock.fencing_token, agent_id, f"you hold the lock on {quote(lock.file_path)}")
    if held_locks or held_claims:
        for noun in ("lock", "claim"):
            for place in queue.list_queue(connection, at, noun)[:LOOKED_AT]:
                if place.ahead is not UNSET and agent_id in place.ahead:
                    text = f"{place.agent_id} waits for your {noun}: {quote(place.name)}"
                    yield Line("waiting", place.place, place.agent_id, text)
    folders = {lock.file_path.rpartition("/")[0] for lock in held_locks}
    if folders:
        for other in islice(locks.each_lock(connection, at, active_only=True), LOOKED_AT):
            if other.agent_id != agent_id and other.key.rpartition("/")[0] in folders:
                text = f"{other.agent_id} has the lock on {quote(other.file_path)} until {other.expires_at[:19]}Z"
                yield Line("lock", other.fencing_token, other.agent_id, text)


def _dark(connection: apsw.Connection, agent_id: str, at: AsOf) -> Iterator[Line]:
    """Agents that do not answer, of those that it called, waits for, or wants an acknowledgement from."""
    dark = wakes.list_dark(connection, at, OF_A_KIND)
    if not dark:
        return
    awaited = {one.to_agent for one in receipts.list_wanted(connection, at, LOOKED_AT, from_agent=agent_id)}
    for noun in ("lock", "claim"):
        for place in queue.list_queue(connection, at, noun)[:LOOKED_AT]:
            if place.agent_id == agent_id and place.ahead is not UNSET:
                awaited.update(place.ahead)
    for wake in dark:
        if wake.from_agent == agent_id or wake.agent_id in awaited:
            text = f"{wake.agent_id} does not answer: it was called at {wake.requested_at[:19]}Z and not seen"
            yield Line("dark", wake.wake_id, wake.agent_id, text)


def _failed(connection: apsw.Connection, agent_id: str, at: AsOf, since: int) -> Iterator[Line]:
    for row in _rows(connection, "list_failed_of", at, opener=agent_id, since=since, most=OF_A_KIND):
        text = f"task {row.task_id} that you opened failed: {quote(row.title)}"
        yield Line("failed", row.ended_by or row.task_id, row.opener, text)


def _ready(connection: apsw.Connection, agent_id: str, at: AsOf) -> Iterator[Line]:
    session = sessions.find_session(connection, agent_id, at)
    worker = Worker(agent_id, frozenset(session.capabilities if session is not None else ()))
    free = islice(_rows(connection, "list_free", at), LOOKED_AT)
    for row in islice((row for row in free if is_ready(connection, row, worker, at)), OF_A_KIND):
        text = f"task {row.task_id} is ready for you (priority {row.priority}, by {row.opener}): {quote(row.title)}"
        yield Line("ready", row.task_id, row.opener, text)


def _came_and_went(connection: apsw.Connection, agent_id: str, since: int) -> Iterator[Line]:
    seen: set[str] = set()
    for stored in read_from_end(connection, OF_A_KIND, Filter(type="session.")):
        if stored.event_id <= since:
            return
        match stored.decode().data:
            case SessionOpened(agent_id=other):
                what = "came"
            case SessionClosed(agent_id=other):
                what = "left"
            case SessionExpired(agent_id=other):
                what = "is gone: it was silent for too long"
            case _:
                continue
        if other != agent_id and other not in seen:
            seen.add(other)
            yield Line("agent", stored.event_id, other, f"{other} {what}")


def _rows(connection: apsw.Connection, query: str, at: AsOf, **more: str | int | None) -> Iterator[TaskRow]:
    return iter(tasks.read_rows(connection, query, at.bindings(**more)))


def _is_question(recipient: str, said: _Said) -> bool:
    """Whether a message to somebody is a question to a person."""
    return recipient == HUMAN and said.kind == "task_request"


def _find_said(connection: apsw.Connection, message_id: int, at: AsOf) -> _Said | None:
    json = message_pages.find_json(connection, message_id, at)
    return None if json is None else _decode_said(json)


def quote(text: str) -> str:
    """What somebody wrote, on one line, in quotes, cut, without signs that control a reader or turn its direction."""
    clean = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text[: 4 * MAX_QUOTED_CHARS])
    line = " ".join(clean.split()).replace("“", '"').replace("”", '"')
    return f"“{line}”" if len(line) <= MAX_QUOTED_CHARS else f"“{line[: MAX_QUOTED_CHARS - 1]}…”"
