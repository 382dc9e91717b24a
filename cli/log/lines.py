"""How events, and what they changed, are told to people."""

from typing import Any

import msgspec

from cli.tables import print_line
from projections.history.events import LoggedEvent
from projections.times import timestamp


def event_line(event: LoggedEvent) -> str:
    """An event on one line."""
    data = "cannot be read" if event.data is None else msgspec.json.encode(with_times(event.data)).decode()
    mark = "  DAMAGED" if event.damaged else ""
    return f"{event.event_id:>8}  {event.recorded_at}  {event.type:<18} {event.stream}  {event.actor}  {data}{mark}"


def with_times(data: dict[str, Any]) -> dict[str, Any]:
    """What happened, as people read it: the log has times in microseconds."""
    return {
        name: _time(value) if name.endswith("_at") and isinstance(value, int) else value for name, value in data.items()
    }


def moment_line(event_id: int, at: str) -> str:
    """The moment right after an event; there is no time before the first."""
    return f"event {event_id} ({at})" if event_id else "event 0 (before the first event)"


def events(count: int) -> str:
    """So many events."""
    return "1 event" if count == 1 else f"{count:,} events"


def damage_line(event: LoggedEvent) -> str:
    """What to say of an event that is not what was recorded."""
    return f"event {event.event_id} is not what was recorded: see arc log verify"


def print_change(before: bytes | None, after: bytes | None, indent: str) -> None:
    """Print how a thing changed, field by field."""
    then, now = _fields(before), _fields(after)
    if then is None or now is None:
        sign, fields = ("+", now) if then is None else ("-", then)
        for name, value in (fields or {}).items():
            if value not in (None, [], {}):
                print_line(f"{indent}{sign} {name}: {_value(value)}")
        return
    for name in now:
        if then.get(name) != now[name]:
            print_line(f"{indent}  {name}: {_value(then.get(name))} -> {_value(now[name])}")


def message_line(json: bytes) -> str:
    """A message on one line."""
    message: dict[str, Any] = msgspec.json.decode(json)
    to = message["to_agent"] or f"#{message['channel']}"
    thread = f" [{message['thread_id']}]" if message["thread_id"] else ""
    kind = "" if message["kind"] == "chat" else f" ({message['kind']})"
    attached = f" +{len(message['attachments'])} attached" if message["attachments"] else ""
    about = f"{message['from_agent']} -> {to}{thread}{kind}"
    return f"{message['id']:>8}  {message['ts']}  {about}: {message['body']}{attached}"


def _fields(json: bytes | None) -> dict[str, Any] | None:
    return None if json is None else msgspec.json.decode(json, type=dict[str, Any])


def _time(moment: int) -> str | int:
    try:
        return timestamp(moment)
    except OverflowError:  # only a damaged event has such a time
        return moment


def _value(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
