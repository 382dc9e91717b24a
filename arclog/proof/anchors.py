"""Anchors: the digest of an event, kept outside the storage, by which a log that was cut or rewritten shows.

A chain proves that its events belong together. Anyone who can write the file can cut its end off, or write another
chain from some event on; only somebody who remembers a digest can tell. An anchor is one line of text, kept where who
writes the storage does not write, such as a note in a git repository that is pushed.

    {"arc_anchor":1,"instance_id":"9f…","event_id":41,"digest":"d0e2…","at":"2026-11-29T19:01:04Z"}
"""

from collections.abc import Iterable, Iterator
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from arclog.codec import decode_data
from arclog.events import LogAnchored
from arclog.proof.findings import Finding
from arclog.sqlite.reads import Filter, find_end_before, find_event, read, read_head
from arclog.sqlite.schema import get_instance_id

VERSION: Final = 1


class Anchor(Struct, frozen=True):
    """What an event's digest was.

    Attributes:
        arc_anchor: the version of this form.
        instance_id: the storage.
        event_id: the event.
        digest: its digest, in hexadecimal.
        at: when that was noted.
    """

    arc_anchor: int
    instance_id: str
    event_id: int
    digest: str
    at: str


class Kept(Struct, frozen=True):
    """The anchors that were found in one place.

    Attributes:
        place: where.
        anchors: those of any storage; None when the place could not be looked into.
    """

    place: str
    anchors: tuple[Anchor, ...] | None

    def count(self, instance_id: str) -> int | None:
        """How many are of one storage; None when nobody could look."""
        return None if self.anchors is None else sum(one.instance_id == instance_id for one in self.anchors)


_decode: Final = msgspec.json.Decoder(Anchor).decode


def encode_anchor(anchor: Anchor) -> str:
    """An anchor as one line."""
    return msgspec.json.encode(anchor).decode()


def parse_anchors(text: str) -> tuple[Anchor, ...]:
    """The anchors in a text; other lines are passed over."""
    found: list[Anchor] = []
    for line in text.splitlines():
        try:
            anchor = _decode(line.strip())
        except msgspec.DecodeError:
            continue
        if anchor.arc_anchor == VERSION:
            found.append(anchor)
    return tuple(found)


def list_places(connection: apsw.Connection) -> list[str]:
    """The places in which anchors of this log are, by the log's own word, the latest last."""
    return list(dict.fromkeys(place for place, *_ in _recorded(connection)))


def verify_anchors(connection: apsw.Connection, kept: Iterable[Kept]) -> Iterator[Finding]:
    """Everything in which the log is not what was anchored, or an anchor is gone from its place.

    Args:
        connection: in a transaction.
        kept: what is where.
    """
    instance_id, head = get_instance_id(connection), read_head(connection).event_id
    recorded = list(_recorded(connection))
    for place in kept:
        if place.anchors is None:
            continue
        ours = sorted({one for one in place.anchors if one.instance_id == instance_id}, key=_order)
        yield from _compare(connection, place.place, ours, head)
        known = {(one.event_id, one.digest) for one in ours}
        for named, event_id, digest, said_by in recorded:
            if named == place.place and (event_id, digest) not in known:
                text = f"the anchor of event {event_id} is gone from {named}, where event {said_by} says that it is"
                yield Finding("anchors", "missing", event_id, text)


def _compare(connection: apsw.Connection, place: str, anchors: list[Anchor], head: int) -> Iterator[Finding]:
    """The first anchor in a place that the log does not fit, and the first that lies beyond its end."""
    fits = 0
    for anchor in anchors:
        if anchor.event_id > head:
            text = (
                f"the log ends with event {head}, but event {anchor.event_id} was anchored at {anchor.at} in {place}: "
                "its end was cut off"
            )
            yield Finding("log", "cut_off", head + 1, text)
            return
        event = find_event(connection, anchor.event_id)
        if event is None or event.digest.hex() != anchor.digest:
            text = (
                f"event {anchor.event_id} is not the one that was anchored at {anchor.at} in {place}: the log was "
                f"rewritten, from some event after {fits} on"
            )
            yield Finding("log", "rewritten", fits + 1, text)
            return
        fits = anchor.event_id


def _recorded(connection: apsw.Connection) -> Iterator[tuple[str, int, str, int]]:
    """What the log says of its anchors: the place, the event, its digest, and the event that says so."""
    for stored in read(connection, 0, -1, where=Filter(type=LogAnchored.type)):
        data = decode_data(stored.type, stored.data)
        assert isinstance(data, LogAnchored)
        if find_end_before(connection, data.event_id + 1)[0] == data.event_id:
            yield data.place, data.event_id, data.digest.hex(), stored.event_id


def _order(anchor: Anchor) -> tuple[int, str]:
    return anchor.event_id, anchor.at
