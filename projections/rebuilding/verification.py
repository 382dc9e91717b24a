"""Integrity: is everything in a storage what was written, or follows from it?

The log is checked first, since all else follows from it: its chain (`arclog.proof.verify`), the index of keys,
the structure of the file, and last every table, row by row, against a replay of the log.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from arclog.errors import StorageDamaged
from arclog.progress import Progress
from arclog.proof.anchors import Kept, list_places, verify_anchors
from arclog.proof.findings import Finding
from arclog.proof.keys import verify_keys
from arclog.proof.verify import ChainReport, check_chain
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.opened import OpenedStorage
from arclog.sqlite.reads import find_readable_end
from arclog.sqlite.schema import get_instance_id
from projections.checkpoints import find_noted

MAX_FILE_FINDINGS: Final = 20
"""What SQLite says of a damaged file, at most."""


class AnchorPlace(Struct, frozen=True):
    """A place with anchors, and how many of this log it has; None when it could not be looked into."""

    place: str
    anchors: int | None


class Report(Struct, frozen=True):
    """What verification of a storage found.

    Attributes:
        storage: the file.
        events: how many events were checked.
        head: the id of the last one.
        digest: its digest in hexadecimal; kept elsewhere, it proves later what the log was. Empty when the file cannot
            be read at all.
        chain_sec: how long the chain took.
        compared: whether the tables were compared with a replay of the log.
        skipped: why they were not, None when they were.
        findings: all that is wrong.
        anchors: the places whose anchors the log was compared with.
    """

    storage: str
    events: int
    head: int
    digest: str
    chain_sec: float
    compared: bool
    skipped: str | None
    findings: tuple[Finding, ...]
    anchors: tuple[AnchorPlace, ...] = ()


LookInto = Callable[[str], Kept]
"""Gives the anchors that are kept in a place."""


class Anchoring(Struct, frozen=True):
    """Where anchors are looked for, beside the places that the log itself names.

    Attributes:
        look_into: gives those of a place.
        places: the places.
    """

    look_into: LookInto
    places: tuple[str, ...] = ()


def verify_storage(
    path: Path, chain_only: bool, verifying: Progress, replaying: Progress, anchoring: Anchoring | None = None
) -> Report:
    """Verify the storage at `path`, beside a hub that runs or after it.

    Args:
        path: the storage.
        chain_only: leave it at the log itself.
        verifying: told how far the check of the chain has come.
        replaying: told how far the replay has come.
        anchoring: where anchors are; without it, the log is compared with none.

    Raises:
        StorageError: there is no such storage, or it cannot be opened.
    """
    with OpenedStorage(path) as storage:
        return _verify(storage, chain_only, verifying, replaying, anchoring)


def _verify(
    storage: OpenedStorage, chain_only: bool, verifying: Progress, replaying: Progress, anchoring: Anchoring | None
) -> Report:
    began_at = time.monotonic()
    chain = verify_log(storage, verifying)
    chain_sec = time.monotonic() - began_at
    findings = list(chain.findings)
    anchors: tuple[AnchorPlace, ...] = ()
    if anchoring is not None and chain.digest:
        anchors, apart = _compare_anchors(storage, anchoring)
        findings += apart
    compared, skipped = False, None
    if chain_only:
        skipped = "only the chain was asked for"
    elif findings:
        skipped = "they follow from the log, which is damaged"
    else:
        findings += _verify_rest(storage, chain.head)
        if not findings:
            compared, skipped, different = _verify_tables(storage, replaying)
            findings += different
        else:
            skipped = "the file is damaged"
    about = (str(storage.path), chain.events, chain.head, chain.digest, chain_sec)
    return Report(*about, compared, skipped, tuple(findings), anchors)


def _compare_anchors(storage: OpenedStorage, anchoring: Anchoring) -> tuple[tuple[AnchorPlace, ...], list[Finding]]:
    """What is kept outside the storage, and everything in which the log is not that."""
    connection = storage.connection
    with storage_errors(storage.path):
        connection.execute("BEGIN")
        try:
            named = [*anchoring.places, *list_places(connection)]
            kept = [anchoring.look_into(place) for place in dict.fromkeys(named)]
            findings = list(verify_anchors(connection, kept))
            instance_id = get_instance_id(connection)
        except (apsw.CorruptError, UnicodeDecodeError, msgspec.DecodeError):
            return (), []  # the chain has told what cannot be read
        finally:
            connection.execute("ROLLBACK")
    return tuple(AnchorPlace(one.place, one.count(instance_id)) for one in kept), findings


def verify_log(storage: OpenedStorage, progress: Progress) -> ChainReport:
    """Check the chain of a storage, and whether its end was cut off.

    Args:
        storage: the storage; a file of which not even the end of the log can be read is a finding too.
        progress: told how far the check has come.

    Raises:
        StorageError: there is no such storage, or it cannot be opened.
    """
    try:
        cut_off = _find_cut_off(storage)
        chain = check_chain(storage, progress)
    except StorageDamaged as error:
        return ChainReport(0, 0, "", (Finding("file", "unreadable", None, str(error)),))
    if any(finding.event_id == chain.head + 1 for finding in chain.findings):
        return chain  # its end is there, and cannot be read
    return replace(chain, findings=(*chain.findings, *cut_off))


def _find_cut_off(storage: OpenedStorage) -> list[Finding]:
    """Events that the log has had, and that are no more at its end."""
    with storage_errors(storage.path):
        # In this order, so that what a hub appends meanwhile is not missed at the end.
        seen = find_noted(storage.connection)
        head = find_readable_end(storage.connection)
    if seen <= head:
        return []
    text = f"the log ends with event {head}, but it has had event {seen}: its end was cut off"
    return [Finding("log", "cut_off", head + 1, text)]


def _verify_rest(storage: OpenedStorage, head: int) -> list[Finding]:
    """The index of idempotency keys, and the structure of the file."""
    connection = storage.connection
    with storage_errors(storage.path):
        connection.execute("BEGIN")
        try:
            findings = list(verify_keys(connection, head))
            complaints = [str(text) for (text,) in connection.execute(f"PRAGMA integrity_check({MAX_FILE_FINDINGS})")]
        except (apsw.CorruptError, UnicodeDecodeError) as error:
            return [Finding("file", "unreadable", None, f"the file is damaged: {error}")]
        finally:
            connection.execute("ROLLBACK")
    if complaints != ["ok"]:
        findings += [Finding("file", "changed", None, f"the file is damaged: {text}") for text in complaints]
    return findings


def _verify_tables(storage: OpenedStorage, progress: Progress) -> tuple[bool, str | None, list[Finding]]:
    # Here, since verification of the chain alone needs no projections.
    from projections.rebuilding.differences import tell_difference
    from projections.rebuilding.replay import replay

    try:
        found = replay(storage, progress)
    except msgspec.MsgspecError as error:
        return False, f"this version of Arc cannot read every event ({error})", []
    if found.stale:
        names = ", ".join(found.stale)
        return (
            False,
            f"the tables of {names} are of another version of Arc: start the hub once, and it rebuilds them",
            [],
        )
    return True, None, [tell_difference(difference) for difference in found.differences]
