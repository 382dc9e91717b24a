"""Rebuilding: tables are made again from the log.

The hub rebuilds a projection at start when its version has changed or its checkpoint is not the log's head. A replay
(`projections.rebuilding.replay`) makes all of them in another file, beside the live ones.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import apsw

from arclog.codec import Fact
from arclog.errors import StorageDamaged
from arclog.progress import Progress, no_progress
from arclog.sqlite.reads import read_facts, read_head
from projections.all_projectors import PROJECTORS, handlers_of, project
from projections.checkpoints import (
    CHECKPOINTS,
    IN_STEP,
    are_in_step,
    find_noted,
    forget_others,
    keep_in_step,
    note,
    read_checkpoints,
)
from projections.projector import Projector
from projections.rebuilding.rebuild_writer import USUAL, Bounds, RebuildWriter


def bring_up_to_date(
    connection: apsw.Connection,
    progress: Progress = no_progress,
    projectors: Sequence[Projector] = PROJECTORS,
    bounds: Bounds = USUAL,
) -> tuple[str, ...]:
    """Inside a write transaction: make what is missing, rebuild what is of another version or not as far as the log.

    Returns:
        The names of the projections that were rebuilt.
    """
    connection.execute(CHECKPOINTS["schema"])
    head = read_head(connection).event_id
    forget_others(connection, [projector.name for projector in projectors])
    checkpoints = read_checkpoints(connection)
    in_step = are_in_step(checkpoints) and find_noted(connection) <= head
    stale = [p for p in projectors if checkpoints.get(p.name) != (p.version, IN_STEP if in_step else head)]
    if stale:
        build(connection, connection, head, stale, progress, bounds)
        if in_step:
            keep_in_step(connection)
    return tuple(projector.name for projector in stale)


def bring_into_step(connection: apsw.Connection, progress: Progress) -> tuple[str, ...]:
    """The same for a hub, which writes the rows of each event with it from here on.

    Returns:
        The names of the projections that were rebuilt.
    """
    rebuilt = bring_up_to_date(connection, progress)
    keep_in_step(connection)
    return rebuilt


def find_stale(connection: apsw.Connection) -> tuple[str, ...]:
    """The projections whose tables were made by another version of Arc, or not at all."""
    kept = {name: version for name, (version, _at) in read_checkpoints(connection).items()}
    return tuple(projector.name for projector in PROJECTORS if kept.get(projector.name) != projector.version)


def drop_tables(connection: apsw.Connection, projector: Projector) -> None:
    """Remove a projection's tables."""
    for table in projector.tables:
        connection.execute(f'DROP TABLE IF EXISTS main."{table}"')


def build(
    source: apsw.Connection,
    target: apsw.Connection,
    until: int,
    projectors: Iterable[Projector] = PROJECTORS,
    progress: Progress = no_progress,
    bounds: Bounds = USUAL,
) -> None:
    """Make the tables of `projectors` in `target`, inside its transaction, from the log in `source` up to `until`.

    The indexes come last.

    Raises:
        msgspec.DecodeError: an event cannot be read.
        StorageDamaged: the log's numbers do not grow.
    """
    with _collector_at_rest():
        build_at_leisure(source, target, until, projectors, progress, bounds)


def build_at_leisure(
    source: apsw.Connection,
    target: apsw.Connection,
    until: int,
    projectors: Iterable[Projector] = PROJECTORS,
    progress: Progress = no_progress,
    bounds: Bounds = USUAL,
) -> None:
    """The same beside other work: `progress`, which is called after each chunk, may rest."""
    projectors = tuple(projectors)
    for projector in projectors:
        drop_tables(target, projector)
        target.execute(projector.schema)
    reached, writer, handlers = 0, RebuildWriter(target, bounds), handlers_of(projectors)
    for chunk in _chunks_of(source, until, bounds.events):
        for event in chunk:
            project(handlers, writer, event)
        reached = chunk[-1].event_id
        progress(reached, until)
    writer.flush()
    for projector in projectors:
        target.execute(projector.indexes)
        target.execute(CHECKPOINTS["set"], (projector.name, projector.version, max(reached, until)))
    note(target, max(reached, until))


def _chunks_of(connection: apsw.Connection, until: int, size: int) -> Iterator[list[Fact]]:
    """The log up to event `until`, in chunks of `size` events, as far as projectors need to know it."""
    after = 0
    while chunk := read_facts(connection, after, size, until):
        yield chunk
        reached = chunk[-1].event_id
        if reached <= after:
            raise StorageDamaged(f"event {reached} stands after event {after}", advice="verify")
        after = reached


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep Python from looking for cycles among millions of short-lived rows, which have none."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


def replay_into(
    source: apsw.Connection,
    target: apsw.Connection,
    until: int,
    progress: Progress = no_progress,
    projectors: Iterable[Projector] = PROJECTORS,
    bounds: Bounds = USUAL,
) -> None:
    """Build projections of the log in `source`, up to event `until`, in the empty database `target`."""
    target.execute("BEGIN IMMEDIATE")
    try:
        target.execute(CHECKPOINTS["schema"])
        build(source, target, until, projectors, progress, bounds)
        target.execute("COMMIT")
    except BaseException:
        if target.in_transaction:
            target.execute("ROLLBACK")
        raise
