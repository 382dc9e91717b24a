"""`arc locks`: who edits which file."""

from cli.arguments import Arguments
from cli.read.listing import ReadOptions, add_read_options, field, list_all, print_rows, second

COLUMNS = (
    ("file", field("file_path")),
    ("owner", field("agent_id")),
    ("since", second("locked_at")),
    ("expires", second("expires_at")),
    ("released", second("released_at")),
    ("token", field("fencing_token")),
)


class Options(ReadOptions):
    """Which locks."""

    agent: str | None
    active: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--agent", metavar="ID", help="only of this agent")
    parser.add_argument("--active", action="store_true", help="leave out what was released or has lapsed")
    add_read_options(parser)


def run(options: Options) -> int:
    """Print the locks, oldest grant first."""
    found = list_all(options, "/v1/locks", "file_path", agent_id=options.agent, active_only=options.active)
    return print_rows(options, found, COLUMNS)
