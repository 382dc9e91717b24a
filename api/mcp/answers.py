"""What tools answer: compact JSON in the words of the protocol, without what is empty or goes without saying.

A model pays for every character. So fields that are null or empty are left out, times end at the second, and a page
ends where it grows too long; whoever wants the rest asks on from the last id, and nothing is cut in the middle.
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec
from msgspec import Struct

from arclog.events import JsonObject

MAX_PAGE_CHARS: Final = 40_000
"""About ten thousand tokens."""
SECONDS_CHARS: Final = 19
TIMES: Final = frozenset(
    {"ts", "created_at", "last_seen", "claimed_at", "locked_at", "expires_at", "released_at", "completed_at"}
    | {"latest_message_ts", "recorded_at"}
)


class Answer(Struct, frozen=True):
    """What a tool gives.

    Attributes:
        text: JSON.
        note: a sentence for the model beside it, if there is something to say.
    """

    text: str
    note: str | None = None


def answer(value: object, note: str | None = None) -> Answer:
    """A JSON value as an answer."""
    return Answer(msgspec.json.encode(value).decode(), note)


def row(fields: JsonObject, *, without: Collection[str] = ()) -> JsonObject:
    """An object of the protocol in its short form."""
    return {
        name: _to_the_second(value) if name in TIMES else value
        for name, value in fields.items()
        if name not in without and not _is_empty(value)
    }


def message(fields: JsonObject, *, without: Collection[str] = ()) -> JsonObject:
    """A message in its short form; one without a `kind` is chat."""
    short = row(fields, without=without)
    if short.get("kind") == "chat":
        del short["kind"]
    return short


def first(rows: Iterable[JsonObject], rest: str) -> tuple[list[JsonObject], str | None]:
    """The rows that fit on a page, from the first on, at least one; and a note when there are more.

    Args:
        rows: short forms.
        rest: how to get the others.
    """
    page: list[JsonObject] = []
    left = MAX_PAGE_CHARS
    for one in rows:
        left -= len(msgspec.json.encode(one))
        if page and left < 0:
            return page, f"The page is full: {rest}"
        page.append(one)
    return page, None


def last(rows: list[JsonObject], rest: str) -> tuple[list[JsonObject], str | None]:
    """The same from the last row back; the page is in the order of `rows`."""
    page, note = first(reversed(rows), rest)
    return page[::-1], note


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _to_the_second(time: object) -> object:
    return f"{time[:SECONDS_CHARS]}Z" if isinstance(time, str) and len(time) > SECONDS_CHARS else time
