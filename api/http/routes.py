"""Routes as data: what each module of a noun lists, and how a route becomes an ASGI endpoint.

There are three kinds: a `ChangeRoute` has a command judged and recorded, a `ReadRoute` answers from the tables, and a
`SpecialRoute` writes its answer itself. Endpoints are plain ASGI applications; no request or response objects are made
on the way.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.as_of import moment_of
from api.http.bodies import BodyReader, read_body, read_preconditions
from api.http.connection import Connection, connection_of
from api.http.headers import AGENT, HEADERS, find_sender, transport_of
from api.http.idempotency import KEY, find_key, hash_request
from api.http.queries import QueryReader
from api.http.responses import Responder
from arclog.deciders.tokens import check_sender
from arclog.limits import HEARTBEAT_SEC, LEFT_AFTER_SEC
from arclog.sender import PRINCIPAL
from projections.hub.command_handlers import Command
from projections.hub.hub import Hub
from projections.hub.outcomes import Outcome
from projections.intervals import AsOf
from projections.tokens import read_holders

K = TypeVar("K", bound=Struct)
B = TypeVar("B", bound=Struct)
Q = TypeVar("Q", bound=Struct)


class Site(Struct, frozen=True):
    """What endpoints work with.

    Attributes:
        hub: the hub.
        responder: how it answers.
        heartbeat_sec: how long a stream is silent at most.
        left_after_sec: how long after its stream an MCP host counts as gone.
    """

    hub: Hub
    responder: Responder
    heartbeat_sec: float = HEARTBEAT_SEC
    left_after_sec: float = LEFT_AFTER_SEC


class ReadCaller(Struct, frozen=True):
    """Who waits for the answer of a read.

    Attributes:
        connection: the connection that the request came over.
        at: the moment that it asks about.
    """

    connection: Connection
    at: AsOf


class ReadResult(Struct, frozen=True):
    """What a read gives.

    Attributes:
        result: the `result`, as JSON.
        more: whether there is more than one answer can hold.
        take_back: to be called when it turns out that nobody has read the answer.
    """

    result: bytes
    more: bool = False
    take_back: Callable[[], None] | None = None


def check_reader(hub: Hub, agent_id: str) -> None:
    """Let a call read what is an agent's alone: its own, or that of an agent whose name is not bound.

    Raises:
        Forbidden: the name is bound, and the call is not proved to be from its holder or an operator.
    """
    principal = PRINCIPAL.get()
    if principal is not None and (principal.operator or principal.agent_id == agent_id):
        return
    check_sender(hub.read(read_holders), agent_id, principal)


class NoIds(Struct, frozen=True):
    """A path without ids."""


class NoBody(Struct, frozen=True):
    """A change that is all said by its path."""


class NoQuery(Struct, frozen=True):
    """A read without parameters."""


WAITING = ("waited", "place", "position", "ahead")
"""What stands beside `acquired` in the answer to one that has waited, or still waits."""


def as_sent(ids: Struct, body: Any) -> Command:  # noqa: ANN401 - the body of most changes is the command
    """The command of a route whose body is the command itself."""
    command: Command = body
    return command


def ok(outcome: Outcome) -> int:
    """The status of what always is 200."""
    return 200


def created(outcome: Outcome) -> int:
    """The status of what always makes something."""
    return 201


def created_or_known(outcome: Outcome) -> int:
    """The status of what makes something unless it is there."""
    return 201 if outcome.created else 200


def granted_or_refused(outcome: Outcome) -> int:
    """The status of asking for a claim or a lock."""
    return 201 if outcome.acquired else 200


class ChangeRoute(Struct, Generic[K, B], frozen=True, kw_only=True):
    """A route that has a command judged.

    Attributes:
        does: what it does, in one line.
        method: its HTTP method.
        path: its path, ids in braces.
        ids: the ids in the path.
        body: what the request's body is decoded into.
        command: the command that the ids and the body stand for.
        status: the HTTP status of an outcome.
        statuses: all that `status` may give.
        result: the type of the answer's `result`.
        beside: the flags that may stand beside `ok`.
    """

    does: str
    path: str
    body: type[B]
    result: Any
    ids: type[K] = NoIds  # type: ignore[assignment]  # most changes have none
    command: Callable[[K, B], Command] = as_sent
    method: str = "POST"
    status: Callable[[Outcome], int] = ok
    statuses: tuple[int, ...] = (200,)
    beside: tuple[str, ...] = ()

    def endpoint(self, site: Site) -> ASGIApp:
        """The route at work."""
        hub, send_outcome = site.hub, site.responder.send_outcome
        execute, most = hub.execute, hub.settings.limits.max_request_bytes
        read_ids, read = QueryReader(self.ids).read, BodyReader(self.body).read
        command, status = self.command, self.status

        async def change(scope: Scope, receive: Receive, send: Send) -> None:
            body = await read_body(scope, receive, most)
            asked = command(read_ids(scope), read(body))
            headers = scope[HEADERS]
            sender = find_sender(scope) if AGENT in headers else ""
            key = find_key(scope) if KEY in headers else None
            transport = transport_of(scope)
            relies_on = read_preconditions(body)
            if key is None:
                work = execute(asked, transport=transport, sender=sender, relies_on=relies_on)
            else:
                known_by = hash_request(scope["method"].encode(), scope["raw_path"], body)
                work = execute(
                    asked,
                    transport=transport,
                    sender=sender,
                    key=key,
                    request=known_by.asked,
                    former_request=known_by.written,
                    relies_on=relies_on,
                )
            if getattr(asked, "wait_sec", 0) <= 0:  # most commands know no waiting
                outcome = await work
            else:
                connection = connection_of(scope)
                outcome = await connection.unless_ended(work)
                if outcome.is_news and outcome.acquired:
                    connection.watch(partial(hub.give_back, outcome))
            await send_outcome(send, status(outcome), outcome)

        return change


class ReadRoute(Struct, Generic[Q], frozen=True, kw_only=True):
    """A route that reads.

    Attributes:
        does: what it gives, in one line.
        path: its path, ids in braces; each of them is a field of `query`.
        query: its parameters.
        answer: gives what was asked for.
        result: the type of the `result`.
        beside: the flags that may stand beside `ok`.
        personal: whether it is for the agent alone that its `agent_id` names, once that name is bound.
    """

    does: str
    path: str
    answer: Callable[[Hub, Q, ReadCaller], Awaitable[ReadResult]]
    result: Any
    query: type[Q]
    method: str = "GET"
    beside: tuple[str, ...] = ()
    personal: bool = False

    def endpoint(self, site: Site) -> ASGIApp:
        """The route at work."""
        personal = self.personal
        hub, send_result, answer, read = site.hub, site.responder.send_result, self.answer, QueryReader(self.query).read

        async def look(scope: Scope, receive: Receive, send: Send) -> None:
            query = read(scope)
            if personal:
                check_reader(hub, getattr(query, "agent_id"))  # noqa: B009 - of a query of any type
            connection, at = connection_of(scope), moment_of(hub, query)
            found = await answer(hub, query, ReadCaller(connection, at))
            if found.take_back is not None:
                connection.watch(found.take_back)
            await send_result(send, found.result, more=found.more, as_of=None if at.is_live else at.at)
            if found.take_back is not None and (connection.has_ended or scope["method"] == "HEAD"):
                found.take_back()

        return look


class SpecialRoute(Struct, Generic[Q], frozen=True, kw_only=True):
    """A route that writes its answer itself.

    Attributes:
        does: what it gives, in one line.
        path: its path.
        media_type: the type of its answer.
        start: the route at work.
        query: its parameters.
        takes_key: whether an idempotency key makes a repeated call safe.
        values: what the one id in its path may be, where that is known; such a path is looked for among the first.
    """

    does: str
    path: str
    media_type: str
    start: Callable[[Site], ASGIApp]
    query: type[Q]
    method: str = "GET"
    takes_key: bool = False
    values: tuple[str, ...] = ()

    def endpoint(self, site: Site) -> ASGIApp:
        """The route at work."""
        return self.start(site)


Route = ChangeRoute[Any, Any] | ReadRoute[Any] | SpecialRoute[Any]
