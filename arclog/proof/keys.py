"""Whether the index of idempotency keys says the same as the log."""

from collections.abc import Iterator

import apsw

from arclog.codec import decode_metadata
from arclog.keys import hash_key, key_owner
from arclog.proof.findings import Finding
from arclog.sqlite.connection import FORMAT
from arclog.sqlite.schema import EVENTS


def verify_keys(connection: apsw.Connection, until: int) -> Iterator[Finding]:
    """Everything in which the index of keys is not what the events up to `until` say.

    Args:
        connection: in a transaction, so that both are of one moment; the events must have been verified.
        until: the last event to look at.
    """
    if connection.pragma("user_version") < FORMAT:
        return  # opening it to write rebuilds the index
    kept = 0
    for event_id, event_type, actor, stored in connection.execute(EVENTS["read_metadata"], (until,)):
        metadata = decode_metadata(stored)
        if metadata.key is None:
            continue
        hashed = hash_key(key_owner(event_type, actor, metadata), metadata.key)
        found = connection.execute(EVENTS["find_event_of_key"], (hashed,)).get
        if found is None:
            text = f"the idempotency key of event {event_id} is gone: a retry of its call would be done twice"
            yield Finding("keys", "missing", event_id, text)
            continue
        kept += 1
        if found != event_id:
            text = f"the idempotency key of event {event_id} leads to event {found}"
            yield Finding("keys", "changed", event_id, text)
    if kept != connection.execute(EVENTS["count_keys"], (until,)).get:
        for hashed, event_id in connection.execute(EVENTS["read_keys"], (until,)):
            if hashed != _hash_of(connection, event_id):
                text = f"an idempotency key claims event {event_id}, which does not have it"
                yield Finding("keys", "superfluous", event_id, text)


def _hash_of(connection: apsw.Connection, event_id: int) -> bytes | None:
    """The hash of the key that an event has, None when it has none."""
    event = connection.execute(EVENTS["find_metadata"], (event_id,)).fetchone()
    if event is None:
        return None
    event_type, actor, stored = event
    metadata = decode_metadata(stored)
    return None if metadata.key is None else hash_key(key_owner(event_type, actor, metadata), metadata.key)
