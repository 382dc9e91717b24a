"""Whether the index of idempotency keys says the same as the log."""

from collections.abc import Iterator

import apsw

from arclog.codec import decode_metadata
from arclog.keys import key_owner
from arclog.proof.findings import Finding
from arclog.sqlite.schema import EVENTS


def verify_keys(connection: apsw.Connection, until: int) -> Iterator[Finding]:
    """Everything in which the index of keys is not what the events up to `until` say.

    Args:
        connection: in a transaction, so that both are of one moment; the events must have been verified.
        until: the last event to look at.
    """
    kept = 0
    for event_id, event_type, actor, stored in connection.execute(EVENTS["read_metadata"], (until,)):
        metadata = decode_metadata(stored)
        if metadata.key is None:
            continue
        row = connection.execute(EVENTS["find_key"], (key_owner(event_type, actor, metadata), metadata.key)).fetchone()
        if row is None:
            text = f"the idempotency key of event {event_id} is gone: a retry of its call would be done twice"
            yield Finding("keys", "missing", event_id, text)
            continue
        kept += 1
        if row != (event_id, metadata.request or b""):
            text = f"the idempotency key of event {event_id} leads to event {row[0]}, or to another request"
            yield Finding("keys", "changed", event_id, text)
    if kept != connection.execute(EVENTS["count_keys"], (until,)).get:
        for sender, key, event_id in connection.execute(EVENTS["read_keys"], (until,)):
            event = connection.execute(EVENTS["find_metadata"], (event_id,)).fetchone()
            if event is None or not _has_key(event[0], event[1], event[2], sender, key):
                text = f"an idempotency key of {sender} claims event {event_id}, which does not have it"
                yield Finding("keys", "superfluous", event_id, text)


def _has_key(event_type: str, actor: str, stored: bytes, owner: str, key: str) -> bool:
    metadata = decode_metadata(stored)
    return metadata.key == key and key_owner(event_type, actor, metadata) == owner
