"""Projecting a log from its beginning into empty tables."""

from collections.abc import Generator, Iterable, Sequence

from arclog.codec import FactRow, decode_facts
from projections.all_projectors import handlers_of
from projections.projector import Projector
from projections.rebuilding.rebuild_writer import USUAL, Bounds, RebuildWriter, Tables


def project_chunks(
    tables: Tables, chunks: Iterable[Sequence[FactRow]], projectors: Iterable[Projector], bounds: Bounds = USUAL
) -> Generator[int]:
    """Fill the empty tables of some projections from the log.

    Args:
        tables: where the rows go.
        chunks: the log in its order, some rows at a time.
        projectors: the projections.
        bounds: how much is kept in memory meanwhile.

    Yields:
        The last event of each chunk when it is done; all is written when there are no more.

    Raises:
        msgspec.DecodeError: an event cannot be read.
    """
    writer, handlers = RebuildWriter(tables, bounds), handlers_of(projectors)
    for chunk in chunks:
        for event in decode_facts(chunk):
            data = event.data
            for handler in handlers[type(data)]:
                handler(writer, event, data)
        yield chunk[-1][0]
    writer.flush()
