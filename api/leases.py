"""What the routes of claims and of locks have in common: what a holder, an operator and one that waits may do."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from msgspec import Meta

from api.http.as_of import Dated
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route
from arclog.events.leases import Noun
from projections import queue
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.places import QueuePlace


class Commands(NamedTuple):
    """The commands about what is held, and about places in the queue."""

    refresh: type
    release: type
    hand_over: type
    force_release: type
    leave: type


class QueueQuery(Dated, frozen=True, kw_only=True):
    """Whose places to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None


def holder_routes(noun: Noun, commands: Commands, result: type, beside: Sequence[str] = ()) -> tuple[Route, ...]:
    """The routes about what is held, and about the queue.

    Args:
        noun: what kind of lease it is.
        commands: what is asked for.
        result: the lease as it goes over the wire.
        beside: what every answer may have beside its result.
    """
    path, also = f"/v1/{noun}s", tuple(beside)

    async def list_queue(hub: Hub, query: QueueQuery, reader: ReadCaller) -> ReadResult:
        return ReadResult(encode_json(await hub.read_on_thread(queue.list_queue, reader.at, noun, query.agent_id)))

    changes: tuple[tuple[type, str, str, tuple[str, ...]], ...] = (
        (commands.refresh, "refresh", f"Prolong a {noun} that one holds.", ("acquired",)),
        (commands.release, "release", f"Give a {noun} back.", ()),
        (
            commands.hand_over,
            "handover",
            f"Give a {noun} to another agent, with no moment in between at which it is free.",
            (),
        ),
        (commands.force_release, "force-release", f"Free a {noun} that another agent holds, and say why.", ()),
    )
    return (
        *(
            ChangeRoute(does=does, path=f"{path}/{verb}", body=command, result=result, beside=(*more, *also))
            for command, verb, does, more in changes
        ),
        ChangeRoute(
            does="Give up a place in the queue.",
            path=f"{path}/leave",
            body=commands.leave,
            result=QueuePlace,
        ),
        ReadRoute(
            does=f"List those who wait for {noun}s, in their order.",
            path=f"{path}/queue",
            query=QueueQuery,
            answer=list_queue,
            result=list[QueuePlace],
        ),
    )
