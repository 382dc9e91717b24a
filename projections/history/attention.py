"""What needs a person: things that no agent will mend by itself, each with what to do about it."""

from typing import Final, Literal

import apsw
import msgspec
from msgspec import Struct

from projections import message_pages, sessions, tasks
from projections.intervals import AsOf

MOST: Final = 50
"""What is listed of one kind, oldest first; who has fifty things to do needs no more."""

TITLE_CHARS: Final = 120

Kind = Literal["damage", "disk", "question", "dark"]


class Item(Struct, frozen=True):
    """One thing that needs a person.

    Attributes:
        kind: what kind of thing.
        entity: what it is about, as the log's streams name it; empty for the hub itself.
        event_id: the event that it began with; 0 for what is no event.
        since: when that was.
        text: what is wrong, in a few words.
        advice: what to do.
    """

    kind: Kind
    entity: str
    event_id: int
    since: str | None
    text: str
    advice: str


class _Request(Struct, frozen=True):
    """What is looked at of a message that asks for something."""

    ts: str
    from_agent: str
    to_agent: str | None
    body: str


_decode: Final = msgspec.json.Decoder(_Request).decode


def list_attention(connection: apsw.Connection, at: AsOf, operator: str) -> list[Item]:
    """What needs a person at a moment, as far as the log says.

    Args:
        connection: in a transaction.
        at: the moment.
        operator: the agent name that questions to a person are sent to.
    """
    found: list[Item] = []
    for task_id in tasks.list_open_requests(connection, at, MOST):
        json = message_pages.find_json(connection, task_id, at)
        if json is None:
            continue
        request = _decode(json)
        title = request.body.partition("\n")[0][:TITLE_CHARS]
        task = f"task/{task_id}"
        if request.to_agent == operator:
            text, advice = (
                f"{request.from_agent} asks: {title}",
                "reply to it; a reply of kind task_result completes it",
            )
            found.append(Item("question", task, task_id, request.ts, text, advice))
        elif request.to_agent is not None and sessions.find_live(connection, request.to_agent, at) is None:
            text = f"{request.to_agent} is not here, and {request.from_agent} waits for it: {title}"
            found.append(Item("dark", task, task_id, request.ts, text, "start it again, or ask another agent"))
    return found
