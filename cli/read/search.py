"""`arc search`: messages found by their words."""

from cli.arguments import Arguments
from cli.options import cursor, page_size
from cli.read.listing import ReadOptions, Row, add_read_options, fetch, field, print_rows, second


def _to(row: Row) -> str:
    return row["to_agent"] or f"#{row['channel']}"


COLUMNS = (
    ("id", field("id")),
    ("at", second("ts")),
    ("from", field("from_agent")),
    ("to", _to),
    ("thread", field("thread_id")),
    ("found", field("snippet")),
)


class Options(ReadOptions):
    """What to look for, and where."""

    words: list[str]
    from_agent: str | None
    to: str | None
    channel: str | None
    thread_id: str | None
    kind: str | None
    before: int | None
    limit: int
    best: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("words", nargs="+", metavar="WORD", help="words that must all be there; the last one may go on")
    parser.add_argument("--from", dest="from_agent", metavar="AGENT", help="only what this agent said")
    parser.add_argument("--to", metavar="AGENT", help="only what was said to this agent alone")
    parser.add_argument("--channel", help="only in this channel")
    parser.add_argument("--thread-id", metavar="ID", help="only in this thread")
    parser.add_argument("--kind", help="only messages of this kind")
    parser.add_argument("--before", type=cursor, metavar="N", help="only messages before this one, to go on")
    parser.add_argument(
        "--limit", type=page_size, default=20, metavar="N", help="at most so many, up to 100 (%(default)s)"
    )
    parser.add_argument("--best", action="store_true", help="those that answer best first, instead of the newest")
    add_read_options(parser)


def run(options: Options) -> int:
    """Print what was found, the newest first."""
    found = fetch(
        options,
        "/v1/search",
        q=" ".join(options.words),
        **{"from": options.from_agent},
        to=options.to,
        channel=options.channel,
        thread_id=options.thread_id,
        kind=options.kind,
        before=options.before,
        limit=options.limit,
        order="best" if options.best else None,
    )
    return print_rows(options, found["result"], COLUMNS)
