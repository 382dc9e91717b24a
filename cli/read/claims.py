"""`arc claims`: who does which piece of work."""

from cli.arguments import Arguments
from cli.read.listing import ReadOptions, add_read_options, field, list_all, print_rows, second

COLUMNS = (
    ("claim", field("claim_key")),
    ("owner", field("owner_agent_id")),
    ("since", second("claimed_at")),
    ("expires", second("expires_at")),
    ("released", second("released_at")),
    ("thread", field("thread_id")),
    ("token", field("fencing_token")),
)


class Options(ReadOptions):
    """Which claims."""

    thread_id: str | None
    active: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--thread-id", metavar="ID", help="only of this thread")
    parser.add_argument("--active", action="store_true", help="leave out what was released or has lapsed")
    add_read_options(parser)


def run(options: Options) -> int:
    """Print the claims, oldest grant first."""
    found = list_all(options, "/v1/claims", "claim_key", thread_id=options.thread_id, active_only=options.active)
    return print_rows(options, found, COLUMNS)
