"""One conversation with a host: what each of its messages is answered with, whatever carries them.

No I/O is done here. A carrier decodes what comes, asks for the reply of each request, sends it, and says what became of
it. An answer to a poll takes messages from the agent's view, and it is here that they are given back:

- a request that the host cancels (`notifications/cancelled`) ends, and is not answered;
- one that was answered just before the cancellation came is given back, since the host throws such an answer away;
- so is one whose answer could not be sent, or was sent to a host that had gone, and with it a claim or a lock that it
  tells of after a wait;
- and one that the host may have given up at the very moment of its answer, if it belongs to the era in which hosts do
  not say that they throw an answer away.

For that era it counts what is known of the host's patience. What was there when the host asked was read. One that was
waited for was read too, if the host has been seen to wait clearly longer, and has not given up after just such a
time. Any other is shown once more, and says so; that happens seldom, since each wait that a host stands through is
remembered.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from api.mcp import jsonrpc, methods, revisions
from api.mcp.agent_session import AgentSession
from api.mcp.asking_agent import AskingAgent
from api.mcp.grants import Grant
from api.mcp.jsonrpc import INVALID_REQUEST, Id, ProtocolError, RpcRequest
from api.mcp.methods import CALL_TOOL, CAPABILITIES, Done, instructions
from api.mcp.poll_places import Taken
from api.mcp.port import HubRefused
from arclog.events import JsonObject

MAX_ANSWERED: Final = 64
"""Answers that a late cancellation can still take back."""
MAX_GIVEN_UP: Final = 4
"""How many times of giving up are remembered."""
LEAST_DOUBT_SEC: Final = 0.02
DOUBT: Final = 0.01
"""How near to such a time an answer is doubtful, as a part of it."""
LEAST_MARGIN_SEC: Final = 1.0
"""How much longer a host must have been seen to wait, at least: a busy machine looks at the clock as late as that."""
MARGIN: Final = 0.05
"""The same as a part of the time."""
CANCELLED: Final = "notifications/cancelled"
OF_THE_HUB: Final = frozenset({CALL_TOOL, "resources/list", "resources/read"})
"""Methods that make calls to the hub, for which the agent must be registered."""


class Reply(Struct, frozen=True):
    """The answer to one request.

    Attributes:
        message: what to send.
        id: the request's id.
        taken: what the answer takes of the agent's messages.
        notices: what it tells the agent besides.
        error: the code of the error that it tells, if it does.
        is_doubtful: whether the host may throw it away without a word.
        grants: what it grants that the agent has waited for.
    """

    message: JsonObject
    id: Id | None
    taken: Taken | None = None
    notices: tuple[str, ...] = ()
    error: int | None = None
    is_doubtful: bool = False
    grants: tuple[Grant, ...] = ()

    @property
    def is_to_be_read(self) -> bool:
        """Whether something is lost when nobody reads it."""
        return self.taken is not None or bool(self.notices or self.grants)


class Conversation:
    """What an agent's host asks, and what it is answered.

    Args:
        session: the agent's.
        server: name and version of the server, as MCP has them.
    """

    def __init__(self, session: AgentSession, server: JsonObject) -> None:
        self.session = session
        self._server = server
        self._waiting: dict[Id, asyncio.Task[object]] = {}
        self._expected: set[Id] = set()
        self._cancelled: set[Id] = set()
        self._answered: dict[Id, Reply] = {}
        self._gave_up: deque[float] = deque(maxlen=MAX_GIVEN_UP)
        self._waited_sec = 0.0
        """How long the host has waited for an answer at most, and was still there."""
        self._unproved: dict[Id, float] = {}
        """How long it has waited for those answers of which it may turn out yet that nobody read them."""

    def expect(self, request: RpcRequest) -> None:
        """A request has come that will be answered: a cancellation may come before that begins."""
        if request.id is not None and methods.may_wait(request.method, request.params):
            self._expected.add(request.id)

    async def answer(self, request: RpcRequest, *, is_handshake: bool = True, key: str | None = None) -> Reply | None:
        """The reply to a request; None when the host has cancelled it.

        Args:
            request: the request.
            is_handshake: whether it belongs to the era of the handshake.
            key: the host's idempotency key for what it changes.
        """
        assert request.id is not None
        self.session.asked += 1
        self.session.poll_places.confirm()
        self._waited_sec = max(self._waited_sec, *self._unproved.values(), 0.0)
        self._unproved.clear()
        waits = methods.may_wait(request.method, request.params)
        task = asyncio.current_task()
        began_at = asyncio.get_running_loop().time()
        if waits and task is not None:
            self._expected.discard(request.id)
            if request.id in self._cancelled:
                self._cancelled.discard(request.id)
                return None
            self._waiting[request.id] = task
        notices: list[str] = []
        try:
            done = await self._serve(request, key, notices)
        except ProtocolError as error:
            return Reply(error.reply(request), request.id, error=error.code)
        except asyncio.CancelledError:
            self.session.add_notices(notices)
            self._gave_up.append(asyncio.get_running_loop().time() - began_at)
            if task is None or request.id not in self._cancelled:
                raise
            task.uncancel()
            return None
        finally:
            if waits:
                self._waiting.pop(request.id, None)
                self._cancelled.discard(request.id)
        result = done.result if is_handshake else revisions.stamp(request.method, done.result, self._server)
        message: JsonObject = {"jsonrpc": "2.0", "id": request.id, "result": result}
        took_sec = asyncio.get_running_loop().time() - began_at
        is_doubtful = done.taken is not None and not is_handshake and self._is_doubtful(took_sec, done.taken)
        self._unproved[request.id] = took_sec
        reply = Reply(message, request.id, done.taken, tuple(notices), is_doubtful=is_doubtful, grants=done.grants)
        if reply.is_to_be_read:
            self._remember(request.id, reply)
        return reply

    async def _serve(self, request: RpcRequest, key: str | None, notices: list[str]) -> Done:
        if request.method == "ping":
            return Done({})
        if request.method == "server/discover":
            return Done(
                {
                    "supportedVersions": list(revisions.REQUEST_VERSIONS),
                    "capabilities": CAPABILITIES,
                    "instructions": instructions(self.session.agent_id),
                }
            )
        method, session, is_tool = methods.find_method(request), self.session, request.method == CALL_TOOL
        if request.method in OF_THE_HUB:
            try:
                await session.ensure_registered()
            except HubRefused as refused:
                if not is_tool:
                    raise ProtocolError(jsonrpc.INTERNAL_ERROR, str(refused)) from None
                return methods.refusal(refused)
            if is_tool:
                notices += session.take_notices()
        done = await method(AskingAgent(session, key), request.params, notices)
        if not session.is_registered and request.method in OF_THE_HUB:
            await self._register_again(done)
        return done

    async def _register_again(self, done: Done) -> None:
        """The hub came back with another storage while it was asked: register there before the answer goes out."""
        try:
            await self.session.ensure_registered()
        except HubRefused:
            return
        except asyncio.CancelledError:
            if done.taken is not None:
                self.session.poll_places.give_back(done.taken)
            raise

    async def answer_batch(
        self, messages: Iterable[Any], answer: Callable[[RpcRequest], Awaitable[Reply | None]]
    ) -> list[Reply]:
        """The replies to the requests of a batch, one after the other.

        Args:
            messages: what the host sent, decoded.
            answer: gives the reply to a request, as the carrier has it.
        """
        replies: list[Reply] = []
        try:
            for message in messages:
                try:
                    request = jsonrpc.to_request(message)
                    if request is not None and request.method == "initialize":
                        raise ProtocolError(INVALID_REQUEST, "initialize must not be part of a batch", id=request.id)
                except ProtocolError as error:
                    replies.append(Reply(error.reply(), error.id))
                    continue
                if request is not None and request.id is None:
                    self.take_notification(request)
                elif request is not None and (reply := await answer(request)) is not None:
                    replies.append(reply)
        except BaseException:
            for made in replies:
                self.withdraw(made)
            raise
        return replies

    def take_notification(self, request: RpcRequest) -> None:
        """Take a notification."""
        request_id = request.params.get("requestId")
        if request.method != CANCELLED or not isinstance(request_id, str | int):
            return
        waiting = self._waiting.get(request_id)
        if request_id in self._expected:
            self._cancelled.add(request_id)
        elif waiting is not None:
            if request_id not in self._cancelled:
                self._cancelled.add(request_id)
                waiting.cancel()
        else:
            answered = self._answered.get(request_id)
            if answered is not None:
                self.withdraw(answered)

    def show(self, reply: Reply) -> None:
        """A reply goes out now, and may be read."""
        if reply.taken is not None:
            self.session.poll_places.show(reply.taken)

    def withdraw(self, reply: Reply, *, is_lost: bool = True) -> None:
        """A reply will not go out, or nobody has read it; or, where it is not known to be lost, nobody may have."""
        if reply.id is not None and self._answered.get(reply.id) is reply:
            del self._answered[reply.id]
        if reply.id is not None and is_lost:
            self._unproved.pop(reply.id, None)
        if reply.taken is not None:
            self.session.poll_places.give_back(reply.taken)
        self.session.add_notices(reply.notices)
        self.session.give_back(reply.grants)

    def welcome(self, request: RpcRequest, *, is_named: bool = True) -> Reply:
        """The reply to `initialize`.

        Args:
            request: the request.
            is_named: whether the agent's name is settled.
        """
        result: JsonObject = {
            "protocolVersion": revisions.negotiate(request.params),
            "capabilities": CAPABILITIES,
            "serverInfo": self._server,
            "instructions": instructions(self.session.agent_id if is_named else None),
        }
        return Reply({"jsonrpc": "2.0", "id": request.id, "result": result}, request.id)

    def _is_doubtful(self, took_sec: float, taken: Taken) -> bool:
        """Whether the host may have given up at the moment when an answer came about."""
        if any(abs(took_sec - given_up) <= max(LEAST_DOUBT_SEC, given_up * DOUBT) for given_up in self._gave_up):
            return True
        return taken.waited and took_sec + max(LEAST_MARGIN_SEC, took_sec * MARGIN) > self._waited_sec

    def _remember(self, request_id: Id, reply: Reply) -> None:
        self._answered.pop(request_id, None)
        self._answered[request_id] = reply
        if len(self._answered) > MAX_ANSWERED:
            del self._answered[next(iter(self._answered))]
