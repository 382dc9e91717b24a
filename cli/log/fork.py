"""`arc log fork`: a new storage with the first events of another, to try things out."""

from cli.arguments import Arguments, Namespace
from cli.errors import CommandFailed
from cli.log.storage import get_storage, kind_of_file
from cli.options import count
from cli.paths import path_of
from cli.progress import ProgressBar
from projections.moving.transfer import fork


class Options(Namespace):
    """From where, up to which event, and to where."""

    event_id: int
    source: str | None
    storage: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("event_id", type=count, metavar="N", help="the last event to take")
    parser.add_argument("--from", dest="source", metavar="FILE", help="the storage to fork (that of this folder)")
    parser.add_argument("--storage", required=True, metavar="FILE", help="the new storage; the file must not exist yet")


def run(options: Options) -> int:
    """Make the new storage and say what it holds."""
    source, target = get_storage(options.source, "--from"), path_of(options.storage)
    kind = kind_of_file(source)
    if kind != "database":
        raise CommandFailed(
            f"{source} is {'an export' if kind == 'export' else 'no storage'}: name a storage with --from"
        )
    with ProgressBar("forking") as progress:
        made = fork(source, target, options.event_id, progress)
    print(f"{target}: {made.events:,} events, the last is event {made.head}; its instance id is {made.instance_id}")
    return 0
