"""Old events, read in today's shape.

Bytes in the log are never rewritten. When a type changes in a way that a default cannot express, its old shape gets an
entry here: a pure function from the old fields to the new ones, chosen by the shape's version. The version of a stored
event is its field `v`, which is absent in version 1. An example of the bytes of every type and version is kept in
`tests/contract/stored_events/`, and a test decodes them all.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]
"""Takes the fields of one version and gives those of the next."""

UPCASTERS: Final[Mapping[str, tuple[Upcaster, ...]]] = {}
"""For each type, the steps from version 1 to 2, from 2 to 3, and so on. All types are in version 1 today."""


def upcast(event_type: str, data: bytes, upcasters: Mapping[str, tuple[Upcaster, ...]] = UPCASTERS) -> bytes:
    """The stored `data` of an event, brought to the present version of `event_type`."""
    steps = upcasters.get(event_type)
    if steps is None:
        return data
    fields: Fields = msgspec.msgpack.decode(data)
    for step in steps[fields.pop("v", 1) - 1 :]:
        fields = step(fields)
    return msgspec.msgpack.encode(fields)
