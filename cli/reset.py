"""`arc reset`: stop the hub of a storage and delete its database."""

import argparse

from cli.addresses import url_of
from cli.errors import CommandFailed
from cli.lookup import working_directory
from cli.options import PlaceOptions, add_place_options
from cli.output import print_json
from cli.stop import NoHub, stop_hub


class Options(PlaceOptions):
    """Which storage, and where its hub is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    add_place_options(parser)


def run(options: Options) -> int:
    """Print `{reset: true, removed}`, `{reset: true, note}` without a database, or `{reset: false, error}`."""
    storage = working_directory() / options.storage
    try:
        try:
            hub, _pid = stop_hub(storage, url_of(options.host, options.port))
            storage = hub.storage
        except NoHub:
            pass
        if not storage.exists():
            print_json({"reset": True, "note": "database did not exist"})
            return 0
        from arclog.errors import StorageError
        from arclog.removal import remove_storage

        try:
            removed = remove_storage(storage)
        except StorageError as error:
            raise CommandFailed(str(error)) from error
    except CommandFailed as error:
        print_json({"reset": False, "error": str(error)})
        return 1
    print_json({"reset": True, "removed": [path.name for path in removed]})
    return 0
