"""`arc log show`: the last events, a line each."""

import argparse
import shutil
import sys
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from arclog.codec import StoredEvent
from arclog.store import Filter
from arclog.tail import read_last
from cli.errors import CommandFailed
from cli.log.storage import reading
from cli.options import StorageOptions, add_storage_option, count
from projections.times import timestamp

DEFAULT_LIMIT: Final = 50


class Options(StorageOptions):
    """Which events, and how to print them."""

    limit: int
    type: str | None
    stream: str | None
    actor: str | None
    json: bool


class ShownEvent(Struct, frozen=True):
    """An event as `--json` prints it."""

    event_id: int
    recorded_at: str
    type: str
    stream: str
    actor: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    digest: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--limit", type=count, default=DEFAULT_LIMIT, metavar="N", help="how many, the last ones (%(default)s)"
    )
    parser.add_argument("--type", help="only events of this type, such as lock.acquired, or with a prefix: lock.")
    parser.add_argument("--stream", help="only the life of this entity, such as lock/src/a.py, or with a prefix: lock/")
    parser.add_argument("--actor", metavar="AGENT", help="only what this agent did")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    add_storage_option(parser)


def run(options: Options) -> int:
    """Print the events in log order."""
    where = Filter(type=options.type, stream=options.stream, actor=options.actor)
    with reading(options) as connection:
        events = read_last(connection, options.limit, where)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for event in events:
        shown = _shown(event)
        print(msgspec.json.encode(shown).decode() if options.json else _line(shown, width))
    return 0


def _shown(event: StoredEvent) -> ShownEvent:
    try:
        recorded = event.decode()
    except msgspec.MsgspecError as error:
        raise CommandFailed(
            f"event {event.event_id} cannot be read ({error}): check the log with arc log verify"
        ) from None
    data = msgspec.to_builtins(recorded.data)
    del data["type"]
    return ShownEvent(
        event.event_id,
        timestamp(event.recorded_at),
        event.type,
        event.stream,
        event.actor,
        data,
        {name: _readable(value) for name, value in asdict(recorded.metadata).items() if value is not None},
        event.digest.hex(),
    )


def _readable(value: str | int | bytes) -> str | int:
    return value.hex() if isinstance(value, bytes) else value


def _line(event: ShownEvent, width: int | None) -> str:
    """An event for people: what a terminal would obey is shown, not sent, and a long line is cut."""
    data = msgspec.json.encode(event.data).decode()
    line = f"{event.event_id:>8}  {event.recorded_at}  {event.type:<18} {event.stream}  {event.actor}  {data}"
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"
