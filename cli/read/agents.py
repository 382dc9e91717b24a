"""`arc agents`: who is there."""

from cli.arguments import Arguments
from cli.read.listing import ReadOptions, add_read_options, field, list_all, print_rows, second

COLUMNS = (
    ("agent", field("agent_id")),
    ("name", field("display_name")),
    ("capabilities", lambda row: ", ".join(row["capabilities"])),
    ("since", second("created_at")),
    ("last seen", second("last_seen")),
)


class Options(ReadOptions):
    """Which agents."""

    capability: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--capability", metavar="NAME", help="only agents with exactly this capability")
    add_read_options(parser)


def run(options: Options) -> int:
    """Print the live sessions by agent id."""
    return print_rows(options, list_all(options, "/v1/agents", "agent_id", capability=options.capability), COLUMNS)
