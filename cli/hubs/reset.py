"""`arc reset`: stop the hub of a storage and delete its database."""

import contextlib
import time
from pathlib import Path
from typing import Final

from cli.arguments import Arguments
from cli.errors import CommandFailed, in_words
from cli.hubs.filesystems import check_access
from cli.hubs.stop import NoHub, stop_hub
from cli.hubs.storage_lock import holding
from cli.hubs.which_storage import storage_of
from cli.options import PlaceOptions, add_place_options
from cli.output import print_json

LOCK_WITHIN_SEC: Final = 10.0


class Options(PlaceOptions):
    """Which storage, and where its hub is."""


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_place_options(parser)


def run(options: Options) -> int:
    """Print `{reset: true, removed}`, `{reset: true, note}` without a database, or `{reset: false, error}`."""
    storage = storage_of(options.storage)
    try:
        removed = _reset(storage, options)
    except (CommandFailed, OSError) as error:
        print_json({"reset": False, "error": in_words(error)})
        return 1
    if removed:
        print_json({"reset": True, "removed": [path.name for path in removed]})
    else:
        print_json({"reset": True, "note": "database did not exist"})
    return 0


def _reset(storage: Path, options: Options) -> list[Path]:
    with contextlib.suppress(NoHub):
        stop_hub(storage, options.host, options.port)
    if not storage.exists():
        return []
    from arclog.errors import StorageError
    from arclog.sqlite.removal import remove_storage

    # Anyone who ensures a hub meanwhile gets it after the old database is gone.
    with holding(storage, time.monotonic() + LOCK_WITHIN_SEC):
        check_access(storage, writing=True)
        try:
            return remove_storage(storage)
        except StorageError as error:
            raise CommandFailed(in_words(error)) from error
