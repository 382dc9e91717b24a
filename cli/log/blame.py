"""`arc log blame`: who held what, from when to when, how that ended, and who was refused meanwhile."""

from typing import Final

import msgspec

from arclog.events import SYSTEM
from arclog.sqlite.reads import read_now
from cli.arguments import Arguments
from cli.log.lines import events
from cli.log.storage import reading
from cli.options import StorageOptions, add_storage_option
from cli.tables import print_line, print_table
from projections.history.blame import Blame, read_blame
from projections.history.tenures import Refusal, Tenure, Wait

_IN_WORDS: Final = {
    "owner_gone": "owner gone, taken back",
    "forced": "taken away",
    "undelivered": "given back: its call was gone",
    "handed_over": "handed over",
    "no_call": "given up: no call came back",
    "hub_gone": "given up: its hub was gone",
    "over": "over: no call came back",
}


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
    if not life.tenures and not life.waits:
        print_table(
            ("agent", "events", "first event", "last event"),
            [(share.actor, share.events, share.first_event, share.last_event) for share in life.actors],
        )
        return
    if life.tenures:
        columns = ("event", "holder", "from", "until", "how it ended", "refreshed", "refused")
        print_table(columns, map(_row, life.tenures))
    if life.waits:
        print_table(("place", "waited", "from", "until", "how it ended"), map(_waited, life.waits))


def _row(tenure: Tenure) -> tuple[object, ...]:
    by = "" if tenure.ended_by in {None, tenure.holder, SYSTEM} else f" by {tenure.ended_by}"
    at = "" if tenure.until_event is None else f" (event {tenure.until_event})"
    given = "" if tenure.given_by is None else f" (from {tenure.given_by})"
    shared = ", shared" if tenure.mode == "shared" else ""
    return (
        tenure.from_event,
        f"{tenure.holder}{given}{shared}",
        tenure.from_at,
        tenure.until_at,
        f"{_IN_WORDS.get(tenure.how, tenure.how)}{by}{at}",
        tenure.refreshed or "",
        ", ".join(map(_refused, tenure.refused)),
    )


def _refused(refusal: Refusal) -> str:
    asked = "" if refusal.asked is None else f" for {refusal.asked}"
    both = "" if refusal.witness in {None, refusal.asked} else f": both cover {refusal.witness}"
    return f"{refusal.agent_id}{asked} (event {refusal.event_id}{both})"


def _waited(wait: Wait) -> tuple[object, ...]:
    at = "" if wait.event_id is None else f" (event {wait.event_id})"
    passed = f", passed {', '.join(map(str, wait.passes))}" if wait.passes else ""
    return (
        wait.place,
        f"{wait.agent_id}{passed}",
        wait.from_at,
        wait.until_at,
        f"{_IN_WORDS.get(wait.how, wait.how)}{at}",
    )
