"""`arc log show`: the last events, a line each, or one event in full."""

from collections.abc import Sequence
from typing import Final

import msgspec

from arclog.errors import InvalidInput, NotFound
from arclog.sqlite.reads import EVERYTHING, Filter
from cli.arguments import Arguments
from cli.errors import WrongArguments
from cli.log.lines import damage_line, event_line, print_change, with_times
from cli.log.storage import reading, reading_one_moment
from cli.options import StorageOptions, add_storage_option, count
from cli.output import print_error, print_note
from cli.tables import print_line
from projections.history.changes import EventInFull, find_in_full
from projections.history.events import LoggedEvent, check_type, read_log_end

DEFAULT_LIMIT: Final = 50


class FilterOptions(StorageOptions):
    """Which events, and how to print them."""

    limit: int | None
    type: str | None
    stream: str | None
    actor: str | None
    json: bool


class Options(FilterOptions):
    """Those, or one event in full."""

    event_id: int | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "event_id", type=count, nargs="?", metavar="ID", help="one event in full, with everything that it changed"
    )
    add_filter_options(parser, DEFAULT_LIMIT)
    add_storage_option(parser)


def add_filter_options(parser: Arguments, limit: int) -> None:
    """Declare `FilterOptions`, but for the storage."""
    parser.add_argument("-n", "--limit", type=count, metavar="N", help=f"how many, counted from the newest ({limit})")
    parser.add_argument("--type", help="only events of this type, such as lock.acquired, or with a prefix: lock.")
    parser.add_argument("--stream", help="only the life of this entity, such as lock/src/a.py, or with a prefix: lock/")
    parser.add_argument("--actor", metavar="AGENT", help="only what this agent did")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")


def run(options: Options) -> int:
    """Print the events in log order; 1 when one of them is not what was recorded."""
    if options.event_id is not None:
        if where_of(options) != EVERYTHING or options.limit is not None:
            raise WrongArguments(
                f"event {options.event_id} is one event: leave out --limit, --type, --stream and --actor"
            )
        return _show_one(options, options.event_id)
    limit, where = options.limit or DEFAULT_LIMIT, where_of(options)
    with reading(options) as snapshot:
        events = snapshot.read(read_log_end, limit, where)
    if not events and where != EVERYTHING:
        print_note("no event of this log is like that; arc log show without options lists the newest")
    return print_events(events, options.json)


def where_of(options: FilterOptions) -> Filter:
    """The events that the options ask for.

    Raises:
        WrongArguments: no event will ever be of that type.
    """
    if options.type is not None:
        try:
            check_type("--type", options.type)
        except InvalidInput as error:
            raise WrongArguments(str(error)) from None
    return Filter(type=options.type, stream=options.stream, actor=options.actor)


def print_events(events: Sequence[LoggedEvent], as_json: bool) -> int:
    """Print events, a line each; 1 when one of them is not what was recorded."""
    code = 0
    for event in events:
        if as_json:
            print(msgspec.json.encode(event).decode(), flush=True)
        else:
            print_line(event_line(event))
        if event.damaged:
            print_error(damage_line(event))
            code = 1
    return code


def _show_one(options: Options, event_id: int) -> int:
    with reading_one_moment(options) as snapshot:
        found = snapshot.read(find_in_full, event_id)
    if found is None:
        raise NotFound("event", event_id, "is not in this log")
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        _print_in_full(found)
    if found.event.damaged:
        print_error(damage_line(found.event))
    return 1 if found.event.damaged else 0


def _print_in_full(found: EventInFull) -> None:
    event, metadata = found.event, found.event.metadata
    print_line(f"event {event.event_id}: {event.type} by {event.actor}, {event.recorded_at}")
    print_line(f"  stream: {event.stream}")
    if metadata is not None:
        key = "" if metadata.key is None else f", idempotency key {metadata.key}"
        print_line(f"  came over: {metadata.transport}{key}")
    print_line(f"  digest: {event.digest}")
    print_line("  data:")
    print_change(None, msgspec.json.encode(with_times(event.data or {})), "    ")
    for change in found.changes or ():
        made = "made" if change.before is None else "ended" if change.after is None else "changed"
        before = ", it was" if change.after is None else ""
        print_line(f"  {made} {change.entity}{before}:")
        print_change(change.before, change.after, "    ")
