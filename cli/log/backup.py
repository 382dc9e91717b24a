"""`arc log backup`: a consistent copy of the storage, while the hub runs."""

from arclog.sqlite.backup import back_up
from cli.arguments import Arguments
from cli.log.storage import storage_of
from cli.options import StorageOptions, add_storage_option
from cli.paths import path_of
from cli.progress import ProgressBar


class Options(StorageOptions):
    """From where, and to where."""

    file: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("file", metavar="FILE", help="the backup; the file must not exist yet")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Copy the storage, verify the copy, and say what it holds."""
    target = path_of(options.file)
    with ProgressBar("copying", "pages") as progress:
        copy = back_up(storage_of(options), target, progress)
    print(
        f"{target}: a backup up to event {copy.head}, its chain is whole, digest {copy.digest}; "
        "its tables were not compared with it (arc log verify FILE does)"
    )
    return 0
