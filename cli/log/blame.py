"""`arc log blame`: who held what, from when to when, how that ended, and who was refused meanwhile."""

import msgspec

from arclog.events import SYSTEM
from arclog.sqlite.reads import read_now
from cli.arguments import Arguments
from cli.log.lines import events
from cli.log.storage import reading
from cli.options import StorageOptions, add_storage_option
from cli.tables import print_line, print_table
from projections.history.blame import Blame, Tenure, read_blame


class Options(StorageOptions):
    """What to look into, and how to print it."""

    stream: str
    json: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "stream",
        metavar="STREAM",
        help="such as lock/src/a.py, claim/task-42, task/17, session/ada; or with a prefix: lock/src/",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print the life of each entity that is meant."""
    with reading(options) as snapshot:
        lives = snapshot.read(read_blame, options.stream, snapshot.read(read_now))
    if options.json:
        print(msgspec.json.encode(lives).decode())
        return 0
    for life in lives:
        _print_life(life)
    return 0


def _print_life(life: Blame) -> None:
    print_line(f"{life.stream}: {events(life.events)}")
    if not life.tenures:
        print_table(
            ("agent", "events", "first event", "last event"),
            [(share.actor, share.events, share.first_event, share.last_event) for share in life.actors],
        )
        return
    print_table(("event", "holder", "from", "until", "how it ended", "refreshed", "refused"), map(_row, life.tenures))


def _row(tenure: Tenure) -> tuple[object, ...]:
    by = "" if tenure.ended_by in {None, tenure.holder, SYSTEM} else f" by {tenure.ended_by}"
    at = "" if tenure.until_event is None else f" (event {tenure.until_event})"
    refused = ", ".join(f"{refusal.agent_id} (event {refusal.event_id})" for refusal in tenure.refused)
    how = "owner gone, taken back" if tenure.how == "owner_gone" else tenure.how
    return (
        tenure.from_event,
        tenure.holder,
        tenure.from_at,
        tenure.until_at,
        f"{how}{by}{at}",
        tenure.refreshed or "",
        refused,
    )
