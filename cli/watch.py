"""`arc watch`: run a command for each event, with the event as JSON on its standard input.

It goes on where it ended, at first with what happens from now on. Its place is kept after the command has ended, so
that a watcher that is killed before that sees the event again: at least once, never left out.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from arc.finding.which_hub import choose_hub
from arc.http import HttpTransport
from cli.arguments import Arguments, Namespace
from cli.errors import WrongArguments
from cli.options import add_base_url, cursor
from cli.output import print_note, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

WAIT_SEC: Final = 25.0
PAGE: Final = 50


class Options(Namespace):
    """Which events, and what to do for each."""

    type: str | None
    stream: str | None
    to: str | None
    wake: str | None
    exec: str | None
    times: int | None
    base_url: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--type", metavar="TYPE", help="only events of this type, as in lock.released, or lock. for all of lock"
    )
    parser.add_argument(
        "--stream", metavar="STREAM", help="only of this stream, as in lock/src/a.py, or all below lock/"
    )
    parser.add_argument("--to", metavar="AGENT", help="only messages to this agent")
    parser.add_argument(
        "--wake", metavar="AGENT", help="only when this agent is to be called, and its harness cannot do it"
    )
    parser.add_argument("--exec", metavar="CMD", help="run this in a shell for each event; without it, each is printed")
    parser.add_argument("--times", type=cursor, metavar="N", help="end after N events")
    add_base_url(parser)


def run(options: Options) -> int:
    """Follow the log until it is interrupted, or has seen as many events as were asked for."""
    if options.to is not None and options.stream is not None:
        raise WrongArguments("--to and --stream are two ways to say it; give one")
    if options.wake is not None:
        return _call_agent(options.wake, options)
    hub = choose_hub(options.base_url)
    hub.say()
    transport = HttpTransport(hub.url, timeout=WAIT_SEC + 10)
    place = _place_of(options, str(transport.call("GET", "/v1/hub-info")["result"]["instance_id"]))
    after = _read(place)
    if after is None:
        after = int(transport.call("GET", "/v1/health")["result"]["head"])
        _keep(place, after)
    left = options.times
    while left is None or left > 0:
        for event in _next(transport, options, after):
            _do(options.exec, event)
            after = int(event["event_id"])
            _keep(place, after)
            if left is not None:
                left -= 1
                if not left:
                    break
    return 0


def _call_agent(agent_id: str, options: Options) -> int:
    from cli.waking.watching import call_for

    if options.exec is None:
        raise WrongArguments("--wake needs --exec CMD, which calls the agent")
    if options.type is not None or options.stream is not None or options.to is not None:
        raise WrongArguments("--wake says which events; leave out --type, --stream and --to")
    return call_for(agent_id, options.exec, options.times, options.base_url)


def _next(transport: HttpTransport, options: Options, after: int) -> list[dict[str, Any]]:
    """The next events, as soon as there are any; none when there were none for a while."""
    from urllib.parse import urlencode

    stream = options.stream if options.to is None else f"inbox/{options.to}"
    wanted = {"after": after, "limit": PAGE, "timeout": WAIT_SEC, "type": options.type, "stream": stream}
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    found: list[dict[str, Any]] = transport.call("GET", f"/v1/log?{query}")["result"]
    return found


def _do(command: str | None, event: dict[str, Any]) -> None:
    text = to_json(event)
    if command is None:
        print(text, flush=True)
        return
    done = subprocess.run(command, shell=True, input=text.encode(), check=False)  # noqa: S602 - a user's own command
    if done.returncode:
        print_note(f"arc: the command for event {event['event_id']} ended with {done.returncode}")
    sys.stdout.flush()


def _place_of(options: Options, instance_id: str) -> Path:
    """Where the place of this watch is kept: one for each storage, filter and command."""
    asked = "\n".join([instance_id, *(str(part) for part in (options.type, options.stream, options.to, options.exec))])
    state = os.environ.get("XDG_STATE_HOME")
    folder = Path(state) if state else Path.home() / ".local" / "state"
    return folder / "arc" / "watch" / hashlib.sha256(asked.encode(errors="surrogateescape")).hexdigest()[:16]


def _read(place: Path) -> int | None:
    try:
        return int(place.read_text())
    except (OSError, ValueError):
        return None


def _keep(place: Path, event_id: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f"{place.name}.{os.getpid()}")
    unfinished.write_text(str(event_id))
    unfinished.replace(place)
