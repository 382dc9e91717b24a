"""`arc tasks`: what is to be done, and what is done."""

from cli.arguments import Arguments
from cli.options import count
from cli.read.listing import ReadOptions, add_read_options, field, list_all, print_rows, second

COLUMNS = (
    ("task", field("task_id")),
    ("parent", field("parent_task_id")),
    ("status", field("status")),
    ("channel", field("channel")),
    ("thread", field("thread_id")),
    ("opened", second("created_at")),
    ("done", second("completed_at")),
)


class Options(ReadOptions):
    """Which tasks."""

    status: str | None
    parent_id: int | None
    channel: str | None
    thread_id: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--status", choices=("open", "done"), help="only those")
    parser.add_argument("--parent-id", type=count, metavar="N", help="only children of this task")
    parser.add_argument("--channel", help="only of this channel")
    parser.add_argument("--thread-id", metavar="ID", help="only of this thread")
    add_read_options(parser)


def run(options: Options) -> int:
    """Print the tasks by id."""
    found = list_all(
        options,
        "/v1/tasks",
        "task_id",
        status=options.status,
        parent_id=options.parent_id,
        channel=options.channel,
        thread_id=options.thread_id,
    )
    return print_rows(options, found, COLUMNS)
