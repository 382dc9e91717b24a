"""`arc inbox`: what was said to one agent alone."""

from urllib.parse import quote

from cli.arguments import Arguments
from cli.read.listing import ReadOptions, add_read_options, fetch, print_rows
from cli.read.messages import COLUMNS, add_page_options


class Options(ReadOptions):
    """Whose inbox, and which of its messages."""

    agent: str
    since_id: int | None
    limit: int


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("agent", metavar="AGENT", help="whose inbox")
    add_page_options(parser)
    add_read_options(parser)


def run(options: Options) -> int:
    """Print messages in order of their ids."""
    found = fetch(
        options,
        f"/v1/inbox/{quote(options.agent, safe='')}",
        since_id=options.since_id,
        limit=options.limit,
        tail=options.since_id is None,
    )
    return print_rows(options, found["result"], COLUMNS)
