"""The shell around preconditions: whether all holds that a call relies on, read inside its transaction."""

from collections.abc import Mapping

from arclog.deciders.fencing import check_required
from arclog.deciders.fields import check_count
from arclog.deciders.preconditions import MAX_REQUIRED, Preconditions, SeenUpTo
from arclog.errors import ChangedSince, CursorBeyondHead, InvalidInput
from arclog.sqlite.reads import find_event, read_head
from projections.event_streams import find_last_since
from projections.hub.context import Context


def check_preconditions(context: Context, given: Preconditions, agent_id: str, now: int) -> None:
    """Let a call pass while all holds that it relies on.

    Args:
        context: what to check against.
        given: what the call relies on.
        agent_id: who calls.
        now: the log's time.

    Raises:
        InvalidInput: a token is of no lease, or a stream is none.
        StaleToken: the agent does not have a lease any more.
        ChangedSince: something happened that the agent has not seen.
        CursorBeyondHead: it has seen more than there is.
    """
    if given.require:
        check_count("require", given.require, 1, MAX_REQUIRED, "leases")
        _check_tokens(context, given.require, agent_id, now)
    if given.if_none_since is not None:
        _check_seen(context, given.if_none_since, agent_id)


def _check_tokens(context: Context, require: Mapping[str, int], agent_id: str, now: int) -> None:
    for stream, token in require.items():
        noun, slash, name = stream.partition("/")
        key = context.key_of("require", name, agent_id) if noun == "lock" and name else name
        check_required(context.leases.standing, f"{noun}{slash}{key}", token, agent_id, now)


def _check_seen(context: Context, seen: SeenUpTo, agent_id: str) -> None:
    stream = _stream(context, seen.stream, agent_id)
    head = context.snapshot.read(read_head).event_id
    if seen.event_id > head:
        raise CursorBeyondHead("if_none_since.event_id", seen.event_id, head)
    found = context.snapshot.read(find_last_since, stream, seen.event_id)
    if found is not None:
        event = context.snapshot.read(find_event, found)
        assert event is not None
        raise ChangedSince(seen.stream, seen.event_id, found, f"{event.type} by {event.actor}")


def _stream(context: Context, name: str, agent_id: str) -> str:
    """A stream as the log has it; paths as they are written are keys there."""
    noun, slash, rest = name.partition("/")
    if not noun or not slash:
        raise InvalidInput("if_none_since.stream", f"must be a stream such as task/42 or lock/src/, not {name!r}")
    if noun not in {"lock", "file"} or not rest.strip("/"):
        return name
    below = "/" if rest.endswith("/") else ""
    return f"{noun}/{context.key_of('if_none_since.stream', rest, agent_id)}{below}"
