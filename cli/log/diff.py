"""`arc log diff`: print what changed between two moments, or since an agent was last there."""

from itertools import groupby
from typing import Final

import msgspec

from arclog.sqlite.reads import read_head
from cli.arguments import Arguments
from cli.errors import WrongArguments
from cli.log.lines import events, message_line, moment_line, print_change
from cli.log.storage import find_named, reading_one_moment
from cli.options import StorageOptions, add_storage_option, moment
from cli.tables import print_line
from projections.history.diff import Diff, EntityChange, find_last_act, read_diff

MAX_NAMED: Final = 8
"""Events that are named for one entity, at most."""


class Options(StorageOptions):
    """Between which moments, and how to print it."""

    after: str | None
    until: str | None
    since_agent: str | None
    json: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "after", type=moment, nargs="?", metavar="A", help="an event id, or a time such as 2026-11-22T12:00:00Z"
    )
    parser.add_argument("until", type=moment, nargs="?", metavar="B", help="a later one; the newest event unless given")
    parser.add_argument("--since-agent", metavar="NAME", help="since this agent last did anything, instead of A")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print what changed, by entity, and what was said."""
    if (options.after is None) == (options.since_agent is None):
        raise WrongArguments("name two moments (arc log diff 100 200), or an agent that was away (--since-agent NAME)")
    with reading_one_moment(options) as snapshot:
        if options.since_agent is not None:
            after = snapshot.read(find_last_act, options.since_agent)
        else:
            after = find_named(snapshot, options.after or "0", "A")
        until = snapshot.read(read_head).event_id if options.until is None else find_named(snapshot, options.until, "B")
        if after > until:
            raise WrongArguments(f"event {after} comes after event {until}: name the earlier one first")
        found = snapshot.read(read_diff, after, until)
    if options.json:
        print(msgspec.json.encode(found).decode())
    else:
        _print(found)
    return 0


def _print(found: Diff) -> None:
    count = sum(found.events.values())
    first, last = moment_line(found.after, found.after_at), moment_line(found.until, found.until_at)
    print_line(f"from {first} to {last}: {events(count)}")
    if found.events:
        print_line("  " + ", ".join(f"{count} {name}" for name, count in found.events.items()))
    for noun, changes in groupby(found.changes, key=lambda change: change.entity.partition("/")[0]):
        print_line(f"{noun}s")
        for change in changes:
            _print_entity(change)
    if found.message_count:
        left_out = found.message_count - len(found.messages)
        print_line("messages" + (f", the last {len(found.messages)} of {found.message_count}" if left_out else ""))
        for message in found.messages:
            print_line(message_line(bytes(message)))


def _print_entity(change: EntityChange) -> None:
    made = " made" if change.before is None else " ended" if change.after is None else ""
    named = ", ".join(map(str, change.events[:MAX_NAMED])) + (", …" if len(change.events) > MAX_NAMED else "")
    before = "; it was" if change.after is None else ""
    print_line(f"  {change.entity.partition('/')[2]}{made} by {named}{before}")
    print_change(change.before, change.after, "    ")
