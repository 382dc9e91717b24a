"""Exports: a log as lines of JSON that anybody can read, keep and verify, without a hub and without Arc.

    {"arc_export":1,"origin":"…","after":0,"last":3,"previous":"00…"}
    {"event_id":1,"recorded_at":…,"type":"…","stream":"…","actor":"…","data":{…},"metadata":{…},
     "data_bytes":"base64","metadata_bytes":"base64","digest":"hex"}                       one line for each event
    {"events":3,"sha256":"…"}                                                 of every byte before this line

`data_bytes` and `metadata_bytes` are what the digests are made of (`arclog.digest`); `data` and `metadata` say the same
for people, without what has its default (`arclog.codec`). `previous` is the digest of event `after`, so an export of a
part continues the one before it. The same log gives the same bytes, on every machine.
"""

import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final

import apsw
import msgspec
from msgspec import Struct

from arclog.codec import StoredEvent
from arclog.digest import digest_of
from arclog.errors import CutOff, InvalidInput
from arclog.progress import Progress, no_progress
from arclog.proof.findings import Finding, Problem
from arclog.sqlite.reads import find_end_before, find_readable_end, read
from arclog.sqlite.schema import get_origin

VERSION: Final = 1
CHUNK: Final = 10_000
"""Events that are read in one go: meanwhile the WAL of a running hub cannot begin again."""


class Header(Struct, frozen=True):
    """The first line.

    Attributes:
        arc_export: the version of the format.
        origin: the instance id of the storage in which this log began.
        after: the event before the first that is exported, 0 when that is the log's first.
        last: the last event that is exported; `after` when there is none.
        previous: the digest of event `after`, in hexadecimal.
    """

    arc_export: int
    origin: str
    after: int
    last: int
    previous: str


class ExportedEvent(Struct, frozen=True):
    """The line of an event. `recorded_at` is microseconds since 1970."""

    event_id: int
    recorded_at: int
    type: str
    stream: str
    actor: str
    data: msgspec.Raw
    metadata: msgspec.Raw
    data_bytes: str
    metadata_bytes: str
    digest: str

    def stored(self) -> StoredEvent:
        """The event, byte for byte.

        Raises:
            ValueError: its bytes are not base64, or not hexadecimal.
        """
        return StoredEvent(
            self.event_id,
            self.recorded_at,
            self.type,
            self.stream,
            self.actor,
            base64.b64decode(self.data_bytes, validate=True),
            base64.b64decode(self.metadata_bytes, validate=True),
            bytes.fromhex(self.digest),
        )


class Footer(Struct, frozen=True):
    """The last line: how many events there are, and the SHA-256 of every byte before it, in hexadecimal."""

    events: int
    sha256: str


_encode: Final = msgspec.json.Encoder().encode
_decode_header: Final = msgspec.json.Decoder(Header).decode
_decode_event: Final = msgspec.json.Decoder(ExportedEvent).decode
_decode_footer: Final = msgspec.json.Decoder(Footer).decode


def write_export(
    connection: apsw.Connection, out: BinaryIO, first: int, last: int, progress: Progress = no_progress
) -> Footer:
    """Write the events from `first` to `last`, as far as there are any, checking their digests on the way.

    Args:
        connection: any connection on the storage.
        out: where to.
        first: the first event's id.
        last: the last event's id; what lies beyond the head is left out.
        progress: told how far it has come.

    Raises:
        StorageDamaged: an event is not what was recorded.
    """
    head = find_readable_end(connection)
    after, previous = find_end_before(connection, min(first, head + 1))
    last, _ = find_end_before(connection, min(last, head) + 1)
    last = max(last, after)
    written, count = sha256(), 0

    def write(line: bytes) -> None:
        written.update(line)
        out.write(line)

    write(_encode(Header(VERSION, get_origin(connection), after, last, previous.hex())) + b"\n")
    reached = after
    while reached < last:
        for event in read(connection, reached, CHUNK, last):
            if digest_of(previous, event) != event.digest:
                raise CutOff(event.event_id, reached)
            write(encode_line(event))
            previous, reached, count = event.digest, event.event_id, count + 1
        progress(reached, last)
    footer = Footer(count, written.hexdigest())
    out.write(_encode(footer) + b"\n")
    return footer


def encode_line(event: StoredEvent) -> bytes:
    """The line of an event, its end included."""
    line = ExportedEvent(
        event.event_id,
        event.recorded_at,
        event.type,
        event.stream,
        event.actor,
        _readable(event.data),
        _readable(event.metadata),
        base64.b64encode(event.data).decode(),
        base64.b64encode(event.metadata).decode(),
        event.digest.hex(),
    )
    return _encode(line) + b"\n"


def _readable(data: bytes) -> msgspec.Raw:
    """MessagePack as JSON, `null` where it is not MessagePack."""
    try:
        value: Any = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.Raw(b"null")
    return msgspec.Raw(_encode(value))


class ExportReader:
    """Reads an export from its beginning to its end, and finds everything that is wrong with it.

    Iterate over it for the events; what is wrong is in `findings` then, in the order of the lines.

    Args:
        file: the export.
        name: what to call it.

    Raises:
        InvalidInput: it is no export.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.findings: list[Finding] = []
        self.events = 0
        self._file = file
        line = file.readline()
        try:
            self.header = _decode_header(line)
        except msgspec.MsgspecError:
            raise InvalidInput(name, "is not an export of a log: its first line does not say so") from None
        if self.header.arc_export != VERSION:
            raise InvalidInput(name, f"is an export in version {self.header.arc_export}; this Arc reads {VERSION}")
        if _encode(self.header) + b"\n" != line:
            self._find("changed", None, "the first line is not what was written")
        self.head = self.header.after
        self.digest: bytes | None = _unhex(self.header.previous)
        self._read = sha256(line)

    def __iter__(self) -> Iterator[StoredEvent]:
        for line in self._file:
            if line.startswith(b'{"events":'):
                self._end(line)
                return
            self._read.update(line)
            event = self._event(line)
            if event is not None:
                yield event
        self._find("cut_off", self.head + 1, f"the file ends after event {self.head}, before its last line")

    def _event(self, line: bytes) -> StoredEvent | None:
        expected = self.head + 1
        try:
            event = _decode_event(line).stored()
        except (msgspec.MsgspecError, ValueError) as error:
            self._find("unreadable", expected, f"the line of event {expected} cannot be read: {error}")
            self.head, self.digest = expected, None  # what the next event follows is not known
            return None
        place = event.event_id
        if place < expected:
            self._find("swapped", place, f"event {place} stands after event {self.head}")
        elif self.digest is not None and digest_of(self.digest, event) != event.digest:
            if place > expected:
                text = f"what stood between events {self.head} and {place} was removed, or event {place} was changed"
                self._find("removed", expected, text)
            else:
                self._find("changed", place, f"event {place} is not what was recorded, or does not follow {self.head}")
        elif encode_line(event) != line:
            self._find("changed", place, f"the line of event {place} is not what was written, though its bytes are")
        self.head, self.digest = place, event.digest
        self.events += 1
        return event

    def _end(self, line: bytes) -> None:
        if self.head != self.header.last:
            self._find("cut_off", self.head + 1, f"event {self.header.last} was the last, now event {self.head} is")
        try:
            footer = _decode_footer(line)
        except msgspec.MsgspecError:
            footer = None
        whole = footer == Footer(self.events, self._read.hexdigest()) and _encode(footer) + b"\n" == line
        if not self.findings and not whole:
            self._find("changed", None, "the file is not what was written, though every event in it is")
        if self._file.read(1):
            self._find("inserted", None, "something stands after the last line")

    def _find(self, problem: Problem, event_id: int | None, text: str) -> None:
        self.findings.append(Finding("export", problem, event_id, text))


def is_export(start: bytes) -> bool:
    """Whether a file that begins with `start` may be an export."""
    return start.startswith(b'{"arc_export":')


def _unhex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
