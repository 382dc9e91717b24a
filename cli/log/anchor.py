"""`arc log anchor`: keep the digest of the newest event outside the storage, and record that in the log."""

from datetime import UTC, datetime
from pathlib import Path

from arclog.proof.anchors import VERSION, Anchor
from cli.arguments import Arguments
from cli.errors import CommandFailed
from cli.log.anchor_places import keep, repository_of
from cli.log.storage import storage_of
from cli.options import StorageOptions, add_storage_option
from cli.paths import path_of
from projections.moving.anchoring import read_end, record_anchor

OPERATOR = "operator"
"""Who did it, where nobody is named."""


class Options(StorageOptions):
    """Which storage, where to, and who has it done."""

    into: str | None
    agent: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--into", metavar="FILE", help="a file that it is added to (the notes of the git repository around the storage)"
    )
    parser.add_argument(
        "--agent", default=OPERATOR, metavar="ID", help=f"who has it done; it stays in the log ({OPERATOR})"
    )
    add_storage_option(parser)


def run(options: Options) -> int:
    """Anchor the log's head, and say where; 0.

    Raises:
        CommandFailed: there is nowhere to keep the anchor, or nothing to anchor.
        StorageError: the storage cannot be read or written.
    """
    storage = storage_of(options)
    place = _place_of(options, storage)
    end = read_end(storage)
    if not end.event_id:
        raise CommandFailed(f"{storage} has no events yet")
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    keep(Anchor(VERSION, end.instance_id, end.event_id, end.digest.hex(), at), place)
    recorded = record_anchor(storage, end, place, options.agent)
    print(f"{storage}: event {end.event_id} is anchored in {place} (event {recorded}), digest {end.digest.hex()}")
    return 0


def _place_of(options: Options, storage: Path) -> str:
    if options.into is not None:
        return str(path_of(options.into).resolve())
    found = repository_of(storage)
    if found is None:
        raise CommandFailed(f"{storage} is not in a git repository: name a file with --into, on another disk at best")
    return found
