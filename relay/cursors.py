"""Reads that go on from a cursor of the hub: it moves when the response lies there, and not before. No I/O.

The hub moves a cursor with its answer, which over HTTP somebody reads from the connection. Here the answer is to become
a file first. Where that cannot be written, or the relay dies before, the next attempt would find the cursor after
messages that nobody has seen. So the hub is asked for them without moving it, and told where it stands once the file is
there.
"""

from typing import Final, Self
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from relay.envelope import Request

PATH: Final = "/v1/events"
TRUE: Final = frozenset({"1", "true", "yes"})


class _Message(Struct):
    id: int


class _Page(Struct):
    result: list[_Message]


class CursorRead(Struct, frozen=True):
    """A read that goes on from a cursor.

    Attributes:
        query: its parameters, encoded.
    """

    query: str

    @classmethod
    def find(cls, request: Request) -> Self | None:
        """What a request is, if it is such a read, and is to move the cursor."""
        path, _, query = request.path.partition("?")
        if request.method != "GET" or unquote(path).rstrip("/") != PATH:
            return None
        given: dict[str, str] = {}
        for name, value in parse_qsl(query):
            given.setdefault(name, value.strip())
        if not given.get("cursor") or given.get("peek", "").lower() in TRUE:
            return None
        return cls(query)

    @property
    def path(self) -> str:
        """Asks for the same, and leaves the cursor where it is. Of what is given twice the first counts."""
        return f"{PATH}?peek=1&{self.query}"

    def path_to_move(self, answer: bytes) -> str | None:
        """Puts the cursor after the last message of the hub's answer; None when there is none in it."""
        try:
            page = msgspec.json.decode(answer, type=_Page)
        except (ValueError, RecursionError):
            return None
        if not page.result:
            return None
        return f"{PATH}?since_id={page.result[-1].id}&limit=1&timeout=0&{self.path.partition('?')[2]}"
