"""Blame: who held what, from when to when, how that ended, and who was refused meanwhile."""

from typing import Final

import apsw
import msgspec
from msgspec import Struct

from arclog.codec import RecordedEvent
from arclog.errors import NotFound, StorageDamaged
from arclog.paths import parse_key
from arclog.patterns import contains, overlap
from arclog.sqlite.reads import NO_END, Filter
from arclog.streams import streams_beside
from projections import locks, places
from projections.event_streams import read_matching
from projections.history.entities import natural_order
from projections.history.tenures import Tenure, Wait, list_tenures, list_waits

NOUNS: Final = ("lock", "claim", "task", "session", "channel", "inbox", "hub")
"""What the names of streams begin with."""


class ActorShare(Struct, frozen=True):
    """What one agent did in a stream."""

    actor: str
    events: int
    first_event: int
    last_event: int


class Blame(Struct, frozen=True):
    """The life of one entity.

    Attributes:
        stream: the entity.
        events: how many events it has.
        tenures: who held it, in order; none for what nobody holds, such as a channel.
        actors: who did how much, the busiest first.
        waits: who waited for it, in order.
    """

    stream: str
    events: int
    tenures: tuple[Tenure, ...]
    actors: tuple[ActorShare, ...]
    waits: tuple[Wait, ...] = ()


def read_blame(connection: apsw.Connection, stream: str, now: int) -> list[Blame]:
    """The life of an entity, or of all below a prefix that ends in `/`, by name, numbers by their size.

    Args:
        connection: any connection on the storage.
        stream: such as `lock/src/a.py`, which brings the locks that overlapped it too, or `lock/src/`.
        now: the log's time, by which leases lapse.

    Raises:
        NotFound: no event belongs to such a stream.
        StorageDamaged: one of its events cannot be read.
    """
    lives: dict[str, list[RecordedEvent]] = {}
    try:
        for wanted in (stream, *_list_overlapping(connection, stream)):
            for stored in read_matching(connection, 0, NO_END, where=Filter(stream=wanted)):
                event = stored.decode()
                for name in (event.stream, *streams_beside(event.event_id, event.data)):
                    if name == wanted or (wanted.endswith("/") and name.startswith(wanted)):
                        lives.setdefault(name, []).append(event)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StorageDamaged(f"an event of {stream} cannot be read ({error})", advice="verify") from None
    if not lives:
        meant = find_similar(connection, stream)
        hint = "streams are named like lock/src/a.py or task/17" if meant is None else f"did you mean {meant}?"
        raise NotFound("stream", stream, f"has no events; {hint}")
    return [
        Blame(name, len(events), list_tenures(name, events, now), _shares(events), list_waits(events, now))
        for name, events in sorted(lives.items(), key=lambda life: natural_order(life[0]))
    ]


def _list_overlapping(connection: apsw.Connection, stream: str) -> list[str]:
    """For the lock on a path, the locks that ever overlapped it, held or waited for: on its folder, or a pattern.

    Where nobody ever asked for just this path, only what covers it: else a folder's name would bring all that is in it.
    """
    noun, _, key = stream.partition("/")
    if noun != "lock" or not key or stream.endswith("/"):
        return []
    own = parse_key(key)
    is_known = next(read_matching(connection, 0, 1, where=Filter(stream=stream)), None) is not None
    found = []
    for other in sorted({*locks.list_keys(connection), *places.list_keys(connection)}):
        known = parse_key(other)
        meets = overlap(own.path, known.path) if is_known else contains(known.path, own.path)
        if other != key and own.may_meet(known) and meets:
            found.append(f"lock/{other}")
    return found


def find_similar(connection: apsw.Connection, stream: str) -> str | None:
    """A stream that has events, for one that has none: the same with its noun, or a folder of which it is the name."""
    name = stream.strip("/")
    for meant in (*(f"{noun}/{name}" for noun in NOUNS), f"{name}/", *(f"{noun}/{name}/" for noun in NOUNS)):
        if meant != stream and next(read_matching(connection, 0, 1, where=Filter(stream=meant)), None) is not None:
            return meant
    return None


def _shares(events: list[RecordedEvent]) -> tuple[ActorShare, ...]:
    ids: dict[str, list[int]] = {}
    for event in events:
        ids.setdefault(event.actor, []).append(event.event_id)
    shares = [ActorShare(actor, len(own), own[0], own[-1]) for actor, own in ids.items()]
    return tuple(sorted(shares, key=lambda share: (-share.events, share.actor)))
