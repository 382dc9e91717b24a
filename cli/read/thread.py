"""`arc thread`: one thread with its messages, tasks, claims and locks."""

from urllib.parse import quote

from cli.arguments import Arguments
from cli.output import to_json
from cli.read import claims, locks, messages, tasks, threads
from cli.read.listing import ReadOptions, add_read_options, fetch, print_rows


class Options(ReadOptions):
    """Which thread."""

    thread_id: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("thread_id", metavar="ID", help="the thread")
    add_read_options(parser)


def run(options: Options) -> int:
    """Print the thread's summary and everything in it."""
    found = fetch(options, f"/v1/threads/{quote(options.thread_id, safe='')}")["result"]
    if options.json:
        print(to_json(found))
        return 0
    print_rows(options, [found["thread"]], threads.COLUMNS)
    for name, columns in (
        ("messages", messages.COLUMNS),
        ("tasks", tasks.COLUMNS),
        ("claims", claims.COLUMNS),
        ("locks", locks.COLUMNS),
    ):
        if found[name]:
            print()
            print_rows(options, found[name], columns)
    return 0
