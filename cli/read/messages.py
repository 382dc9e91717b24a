"""`arc messages`: what was said to everyone, in a channel or a thread."""

from cli.arguments import Arguments
from cli.options import cursor, page_size
from cli.read.listing import ReadOptions, Row, add_read_options, fetch, field, print_rows, second


def _to(row: Row) -> str:
    return row["to_agent"] or f"#{row['channel']}"


def _body(row: Row) -> str:
    attached = len(row["attachments"])
    return f"{row['body']}{f' [{attached} attached]' if attached else ''}"


COLUMNS = (
    ("id", field("id")),
    ("at", second("ts")),
    ("from", field("from_agent")),
    ("to", _to),
    ("thread", field("thread_id")),
    ("kind", field("kind")),
    ("message", _body),
)


class Options(ReadOptions):
    """Which messages."""

    channel: str | None
    thread_id: str | None
    since_id: int | None
    limit: int


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--channel", help="of this channel (general, unless a thread is named)")
    parser.add_argument("--thread-id", metavar="ID", help="of this thread")
    add_page_options(parser)
    add_read_options(parser)


def add_page_options(parser: Arguments) -> None:
    """Declare how many messages, and from where on."""
    parser.add_argument("--since-id", type=cursor, metavar="N", help="those after this message; else the last ones")
    parser.add_argument(
        "--limit", type=page_size, default=50, metavar="N", help="at most so many, up to 500 (%(default)s)"
    )


def run(options: Options) -> int:
    """Print messages in order of their ids."""
    channel = options.channel or (None if options.thread_id else "general")
    found = fetch(
        options,
        "/v1/messages",
        channel=channel,
        thread_id=options.thread_id,
        since_id=options.since_id,
        limit=options.limit,
        tail=options.since_id is None,
    )
    return print_rows(options, found["result"], COLUMNS)
