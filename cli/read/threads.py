"""`arc threads`: what belongs together, and how far it has come."""

from cli.arguments import Arguments
from cli.read.listing import ReadOptions, add_read_options, field, list_all, print_rows, second

COLUMNS = (
    ("thread", field("thread_id")),
    ("status", field("status")),
    ("channel", field("channel")),
    ("messages", field("message_count")),
    ("open tasks", lambda row: f"{row['open_task_count']} of {row['total_task_count']}"),
    ("claims", field("active_claim_count")),
    ("locks", field("active_lock_count")),
    ("last message", second("latest_message_ts")),
)


class Options(ReadOptions):
    """How to print them."""


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_read_options(parser)


def run(options: Options) -> int:
    """Print a summary of each thread, the one with the newest message first."""
    return print_rows(options, list_all(options, "/v1/threads", "thread_id"), COLUMNS)
