"""`arc log restore`: a new storage from a backup."""

import argparse

from arclog.backup import restore
from cli.log.storage import storage_of
from cli.lookup import working_directory
from cli.options import StorageOptions, add_storage_option
from cli.output import ProgressBar


class Options(StorageOptions):
    """From where, and to where."""

    file: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    parser.add_argument("file", metavar="FILE", help="the backup; it is only read")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Make the storage, verify it, and say what it holds."""
    target = storage_of(options)
    with ProgressBar("copying", "pages") as progress:
        copy = restore(working_directory() / options.file, target, progress)
    print(f"{target}: restored up to event {copy.head}, its chain is whole; its instance id is now {copy.instance_id}")
    return 0
