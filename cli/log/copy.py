"""`arc log copy`: a log from where it is to somewhere else, between storages and logs on PostgreSQL."""

from contextlib import ExitStack, closing

from cli.arguments import Arguments, Namespace
from cli.log.storage import get_storage
from cli.paths import path_of
from cli.progress import ProgressBar
from projections.moving.copying import Copied, Source, copy_to_engine, copy_to_file, source_at, source_in_file


class Options(Namespace):
    """From where, and to where."""

    source: str | None
    target: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--from",
        dest="source",
        metavar="FILE|URL",
        help="a storage, or a log on PostgreSQL (the storage of this folder)",
    )
    parser.add_argument(
        "--to",
        dest="target",
        required=True,
        metavar="FILE|URL",
        help="where to: empty, or the beginning of the same log, which then goes on from there",
    )


def run(options: Options) -> int:
    """Copy what the target lacks, and say what it ends with."""
    with ExitStack() as stack:
        source = _source_of(options.source, stack)
        with ProgressBar("copying") as progress:
            if _is_url(options.target):
                copied = _to_engine(source, options.target, progress)
            else:
                copied = copy_to_file(source, path_of(options.target), progress)
    print(f"{copied.events:,} events copied; the last is event {copied.head}, digest {copied.digest}")
    return 0


def _to_engine(source: Source, url: str, progress: ProgressBar) -> Copied:
    from arclog.postgresql.opening import make_log, open_log

    make_log(url, origin=source.origin)
    with closing(open_log(url)) as engine:
        return copy_to_engine(source, engine, engine.read_head(), progress)


def _source_of(named: str | None, stack: ExitStack) -> Source:
    if named is not None and _is_url(named):
        from arclog.postgresql.opening import open_log

        return source_at(stack.enter_context(closing(open_log(named))))
    return source_in_file(get_storage(named, "--from"), stack)


def _is_url(text: str) -> bool:
    return text.startswith(("postgresql://", "postgres://"))
