"""`arc log tail`: the newest events, and with `-f` those that follow, as they are recorded."""

import time
from typing import Final

from arclog.sqlite.reads import read_head
from cli.arguments import Arguments
from cli.log.show import FilterOptions, add_filter_options, print_events, where_of
from cli.log.storage import reading
from cli.options import add_storage_option
from projections.history.events import read_log, read_log_end

DEFAULT_LIMIT: Final = 10
LOOK_SEC: Final = 0.05
"""How often the storage is asked whether anything was committed; a look costs microseconds."""
PAGE: Final = 1_000


class Options(FilterOptions):
    """Which events, and whether to wait for more."""

    follow: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("-f", "--follow", action="store_true", help="keep printing what is recorded, until interrupted")
    add_filter_options(parser, DEFAULT_LIMIT)
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print events in log order; 1 when one of them is not what was recorded."""
    where = where_of(options)
    with reading(options) as snapshot:
        reached = snapshot.read(read_head).event_id
        last = snapshot.read(read_log_end, options.limit or DEFAULT_LIMIT, where)
        code = print_events(last, options.json)
        reached = max([reached, *(event.event_id for event in last)])
        version = None
        while options.follow:
            seen = snapshot.version()
            if seen == version:
                time.sleep(LOOK_SEC)
                continue
            version, head = seen, snapshot.read(read_head).event_id
            while events := snapshot.read(read_log, reached, PAGE, where, head):
                code = max(code, print_events(events, options.json))
                reached = events[-1].event_id
            reached = max(reached, head)
    return code
