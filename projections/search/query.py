"""A question, and the messages that answer it."""

import math
import re
from collections.abc import Iterator
from typing import Final, Literal

import apsw
import msgspec
from msgspec import Struct

from arclog.deciders.fields import MAX_INTEGER
from projections.intervals import AsOf
from projections.message_pages import find_json
from projections.search.filler import Filler
from projections.search.index import mark
from projections.search.words import Question, is_word_alone, plain, read_question, words_of

BEST_OF: Final = 5_000
"""With `order=best`, the newest so many hits are ranked."""
SNIPPET_CHARS: Final = 160
LEAD_CHARS: Final = 50
"""What a snippet shows before the first word that was found."""

Order = Literal["newest", "best"]


class SearchQuery(Struct, frozen=True, kw_only=True):
    """What is looked for, and where.

    Attributes:
        q: what was typed.
        from_agent: only what this agent said.
        to_agent: only what was said to this agent alone.
        channel: only in this channel.
        thread_id: only in this thread.
        kind: only messages of this kind.
        after: only messages with greater ids.
        before: only messages with smaller ids.
        limit: how many hits.
        order: the newest first, or the best of the newest `BEST_OF`.
    """

    q: str
    from_agent: str | None = None
    to_agent: str | None = None
    channel: str | None = None
    thread_id: str | None = None
    kind: str | None = None
    after: int = 0
    before: int = MAX_INTEGER
    limit: int = 20
    order: Order = "newest"


class Hit(Struct, frozen=True):
    """A message that was found; `snippet` is the part of it where, what was found between `[` and `]`."""

    id: int
    ts: str
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    thread_id: str | None
    snippet: str


class _Text(Struct, frozen=True):
    """What is looked at of a message."""

    id: int
    ts: str
    from_agent: str
    to_agent: str | None
    channel: str
    kind: str
    thread_id: str | None
    body: str
    attachments: list[dict[str, object]]


_decode: Final = msgspec.json.Decoder(_Text).decode


def find_ids(filler: Filler, query: SearchQuery, at: AsOf) -> list[int]:
    """The ids of the messages that answer, newest first; one more than asked for when there are more.

    Raises:
        StorageError: the index cannot be used.
    """
    match = _match_of(query, read_question(query.q))
    if not match:
        return []
    limit = BEST_OF if query.order == "best" else query.limit + 1
    return filler.find(match, query.after, query.before, limit, at.at)


def read_hits(connection: apsw.Connection, ids: list[int], query: SearchQuery, at: AsOf) -> list[Hit]:
    """The messages that were found, in the order that was asked for."""
    words = [word for phrase in read_question(query.q).phrases for word in words_of(phrase)]
    found = [_decode(json) for one in ids if (json := find_json(connection, one, at)) is not None]
    if query.order == "best":
        found.sort(key=lambda text: (-_score(text, words), -text.id))
    return [_hit(text, words) for text in found[: query.limit]]


def _match_of(query: SearchQuery, question: Question) -> str:
    said = question.to_match()
    if not said:
        return ""
    wanted = {
        "f": query.from_agent,
        "t": query.to_agent,
        "c": query.channel,
        "h": query.thread_id,
        "k": query.kind,
    }
    marks = [f'marks : "{mark(name, value)}"' for name, value in wanted.items() if value is not None]
    return " AND ".join([f"said : ({said})", *marks])


def _score(text: _Text, words: list[str]) -> float:
    """How well a message answers: each word counts the less the oftener it stands there, and in a long text."""
    said = plain(_all_of(text))
    counts = (said.count(word) for word in words)
    return sum(math.log1p(count) for count in counts) / math.log(20 + len(said))


def _all_of(text: _Text) -> str:
    return "\n".join([text.body, *_attached(text)])


def _attached(text: _Text) -> Iterator[str]:
    for attachment in text.attachments:
        for name in ("content", "path", "description"):
            value = attachment.get(name)
            if value is not None:
                yield value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _hit(text: _Text, words: list[str]) -> Hit:
    return Hit(
        text.id,
        text.ts,
        text.from_agent,
        text.to_agent,
        text.channel,
        text.kind,
        text.thread_id,
        snippet(_all_of(text), words),
    )


def snippet(said: str, words: list[str]) -> str:
    """The part of a text around the first of some words, on one line, every such word in brackets.

    Args:
        said: the text.
        words: what was looked for, as `words_of` gives it.
    """
    folded = plain(said)
    beginnings = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) or "(?!)")
    places = [match.span() for match in beginnings.finditer(folded) if _begins_word(folded, match.start())]
    start = max(0, places[0][0] - LEAD_CHARS) if places else 0
    end = min(len(said), start + SNIPPET_CHARS)
    shown, at = ["…"] if start else [], start
    for first, last in places:
        if at <= first < end:
            shown += [said[at:first], "[", said[first:last], "]"]
            at = last
    shown += [said[at:end], "…" if max(at, end) < len(said) else ""]
    return " ".join("".join(shown).replace("][", "").split())


def _begins_word(text: str, place: int) -> bool:
    """Whether a word begins there: after anything but a letter or digit, or where a character is a word by itself."""
    return place == 0 or not text[place - 1].isalnum() or is_word_alone(text[place])
