"""What tools answer: one compact JSON object in the words of the protocol, without what goes without saying.

A model pays for every character, and its host cuts what is too long. So fields that are null or empty are left out,
times end at the second, long texts are cut and say how to read on, and a page ends where it grows too long and says how
to get the rest.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from api.mcp.poll_places import Taken
from arclog.events import JsonObject

MAX_PAGE_BYTES: Final = 40_000
"""About ten thousand tokens; with the longest row, an answer stays below 60 KB."""
MAX_TEXT_BYTES: Final = 16_000
"""What is shown of one body or attachment at a time, in bytes of JSON."""
MAX_ROW_BYTES: Final = 18_000
MAX_SHORT_CHARS: Final = 2_000
"""What is shown of a long text in a row that nothing else can be read of."""
LITTLE_BYTES: Final = 1_000
"""What is always shown."""
TOO_LONG: Final = "too long to be shown"
SECONDS_CHARS: Final = 19
TIMES: Final = frozenset(
    {"ts", "created_at", "last_seen", "claimed_at", "locked_at", "expires_at", "released_at", "completed_at"}
    | {"latest_message_ts", "recorded_at"}
)


class Answer(Struct, frozen=True):
    """What a tool gives.

    Attributes:
        fields: an object of JSON.
        taken: what it takes of the agent's messages; to be given back when nobody reads the answer.
    """

    fields: JsonObject
    taken: Taken | None = None


class Page(Struct, frozen=True):
    """Rows that fit into one answer.

    Attributes:
        rows: short forms.
        is_full: whether there are more, which did not fit.
    """

    rows: list[JsonObject]
    is_full: bool


def answer(fields: JsonObject, note: str | None = None, taken: Taken | None = None) -> Answer:
    """An object as an answer, with a sentence for the model if there is something to say."""
    return Answer(fields if note is None else {**fields, "note": note}, taken)


def row(fields: JsonObject, *, without: Collection[str] = ()) -> JsonObject:
    """An object of the protocol in its short form."""
    return {
        name: _to_the_second(value) if name in TIMES else value
        for name, value in fields.items()
        if name not in without and not _is_empty(value)
    }


def message(fields: JsonObject, *, without: Collection[str] = ()) -> JsonObject:
    """A message in its short form; one without a `kind` is chat, and a long one is cut and says how to read on."""
    short = row(fields, without=without)
    if short.get("kind") == "chat":
        del short["kind"]
    if size_of(short) > MAX_ROW_BYTES:
        _cut(short, fields["id"])
    return short


def first(rows: Iterable[JsonObject], most: int = MAX_PAGE_BYTES, *, more: bool = False) -> Page:
    """The rows that fit into `most` bytes, from the first on, at least one.

    Args:
        rows: what there is.
        most: how many bytes.
        more: whether others follow, which the hub has not given.
    """
    page: list[JsonObject] = []
    left = most
    for one in rows:
        bounded = _bound(one)
        left -= size_of(bounded)
        if page and left < 0:
            return Page(page, is_full=True)
        page.append(bounded)
    return Page(page, is_full=more and bool(page))


def go_on(page: Page, key: str | Callable[[JsonObject], str]) -> str | None:
    """How to get what did not fit on a page of a list; None when all did.

    Args:
        page: the page.
        key: what names a row: a field of it, or what is made of several.
    """
    if not page.is_full:
        return None
    last = page.rows[-1]
    return f"The page is full: for the rest, after={json_text(last[key] if isinstance(key, str) else key(last))}"


def json_text(value: object) -> str:
    """A value as it stands in the arguments of a tool."""
    return msgspec.json.encode(value).decode()


def cut_text(text: str, offset: int = 0) -> str:
    """As much of a text from `offset` on as is shown at a time."""
    part = text[offset : offset + MAX_TEXT_BYTES]
    while (size := size_of(part)) > MAX_TEXT_BYTES:
        part = part[: min(len(part) - 1, len(part) * MAX_TEXT_BYTES // size)]
    return part


def size_of(value: object) -> int:
    """The bytes of a value as JSON inside the text of an answer, where quotes and backslashes are doubled."""
    encoded = msgspec.json.encode(value)
    return len(encoded) + encoded.count(b'"') + encoded.count(b"\\")


def _cut(short: JsonObject, message_id: int) -> None:
    """Cut what makes a message too long, and say how to read the rest."""
    left = MAX_ROW_BYTES
    body = short.get("body", "")
    if size_of(body) > MAX_TEXT_BYTES // 2:
        short["body"] = part = cut_text(body)
        if len(part) < len(body):
            short["cut"] = (
                f"{len(part)} of {len(body)} characters are shown; for the rest: "
                f"arc_read_messages message_id={message_id} offset={len(part)}"
            )
    left -= size_of(short.get("body", ""))
    attachments = []
    for number, one in enumerate(short.get("attachments", ())):
        size = size_of(one)
        if size > max(left, LITTLE_BYTES):
            shown = {name: one[name] for name in ("type", "path") if isinstance(one.get(name), str)}
            shown["cut"] = f"for its content: arc_read_messages message_id={message_id} attachment={number}"
            one = shown  # noqa: PLW2901 - what is shown of it
        left -= size_of(one)
        attachments.append(one)
    if attachments:
        short["attachments"] = attachments
    if size_of(short.get("metadata", {})) > max(left, LITTLE_BYTES):
        short["metadata"] = {"cut": TOO_LONG}


def _bound(fields: JsonObject) -> JsonObject:
    """A row that is no longer than a row may be: the texts in it are shortened, and what is long nevertheless goes."""
    if size_of(fields) <= MAX_ROW_BYTES + LITTLE_BYTES:
        return fields
    shortened = {name: _shorten(value) for name, value in fields.items()}
    if size_of(shortened) <= MAX_ROW_BYTES:
        return shortened
    return {name: value if size_of(value) <= LITTLE_BYTES else {"cut": TOO_LONG} for name, value in shortened.items()}


def _shorten(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and len(value) > MAX_SHORT_CHARS:
        return f"{value[:MAX_SHORT_CHARS]} … ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _shorten(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shorten(inner) for inner in value]
    return value


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _to_the_second(time: object) -> object:
    return f"{time[:SECONDS_CHARS]}Z" if isinstance(time, str) and len(time) > SECONDS_CHARS else time
