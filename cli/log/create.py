"""`arc log create`: a log on PostgreSQL that hubs on several machines can share."""

from cli.arguments import Arguments, Namespace


class Options(Namespace):
    """Where, and for whom."""

    log: str
    role: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--log", required=True, metavar="URL", help="where, as the owner of the database: postgresql://owner@host/db"
    )
    parser.add_argument(
        "--role", metavar="NAME", help="the role that hubs will use, which may read and append and nothing else"
    )


def run(options: Options) -> int:
    """Make the log, unless it is there, let the role in, and say which log it is."""
    from arclog.postgresql.opening import make_log

    name, where = make_log(options.log, options.role)
    print(f"{where}: log {name.log_id}")
    return 0
