"""`arc log seen`: print what an agent could see at a moment."""

from collections.abc import Sequence

import msgspec

from arclog.sqlite.reads import read_head, read_now
from cli.arguments import Arguments
from cli.log.lines import message_line, moment_line
from cli.log.storage import find_named, reading_one_moment
from cli.options import StorageOptions, add_storage_option, count, moment
from cli.tables import print_line, print_table
from projections.history.seen import DEFAULT_LIMIT, Sight, read_sight


class Options(StorageOptions):
    """Whose sight, when, and how to print it."""

    agent: str
    at: str | None
    limit: int
    json: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("agent", metavar="AGENT", help="the agent")
    parser.add_argument(
        "--at", type=moment, metavar="N", help="an event id, or a time such as 2026-11-22T12:00:00Z; now unless given"
    )
    parser.add_argument(
        "--limit", type=count, default=DEFAULT_LIMIT, metavar="N", help="how many of the last messages (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print everything that the agent's reads would have given."""
    with reading_one_moment(options) as snapshot:
        if options.at is None:
            head = snapshot.read(read_head).event_id
            sight = snapshot.read(read_sight, options.agent, head, options.limit, snapshot.read(read_now))
        else:
            sight = snapshot.read(read_sight, options.agent, find_named(snapshot, options.at, "--at"), options.limit)
    if options.json:
        print(msgspec.json.encode(sight).decode())
    else:
        _print(sight, now=options.at is None)
    return 0


def _print(sight: Sight, *, now: bool) -> None:
    _print_who(sight, now=now)
    print_line(f"inbox, the last {len(sight.inbox)}")
    for message in sight.inbox:
        print_line(message_line(bytes(message)))
    print_line(f"visible messages, the last {len(sight.messages)}; the last of all was {sight.latest_visible_id}")
    for message in sight.messages:
        print_line(message_line(bytes(message)))
    _print_rows(
        "active claims",
        ("claim", "owner", "expires", "thread", "token"),
        [(c.claim_key, c.owner_agent_id, c.expires_at, c.thread_id, c.fencing_token) for c in sight.claims],
    )
    _print_rows(
        "active locks",
        ("lock", "owner", "expires", "token"),
        [(lock.file_path, lock.agent_id, lock.expires_at, lock.fencing_token) for lock in sight.locks],
    )
    _print_rows(
        "waiting",
        ("for", "agent", "since", "seconds", "number", "ahead"),
        [(w.name, w.agent_id, w.queued_at, w.waited_sec, w.position, ", ".join(w.ahead or ())) for w in sight.waiting],
    )
    _print_rows(
        "open tasks",
        ("task", "parent", "channel", "thread", "created"),
        [(t.task_id, t.parent_task_id, t.channel, t.thread_id, t.created_at) for t in sight.open_tasks],
    )


def _print_who(sight: Sight, *, now: bool) -> None:
    """Whose sight it is, of which moment, and who else was there."""
    if now:
        print_line(f"{sight.agent_id} now ({sight.at}), after event {sight.event_id}")
    else:
        print_line(f"{sight.agent_id} at {moment_line(sight.event_id, sight.at)}")
    session = sight.session
    if session is None:
        act = "had done nothing yet" if sight.last_act_at is None else f"last did something at {sight.last_act_at}"
        print_line(f"had no live session; {act}")
    else:
        print_line(f"was there as {session.display_name} since {session.created_at}, last seen {session.last_seen}")
    print_line(f"agents there: {', '.join(sight.live_agents) or 'none'}")


def _print_rows(what: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    print_line(f"{what}: {len(rows)}")
    if rows:
        print_table(columns, rows)
