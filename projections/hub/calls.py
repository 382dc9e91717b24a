"""Calls on their way to the log, and the transaction that takes them there."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct, field

from arclog.deciders.preconditions import Preconditions
from arclog.errors import ArcError
from arclog.keys import KeptKey
from arclog.sender import Principal, sender_of
from projections.hub.command_handlers import Command
from projections.hub.open_calls import OpenCall
from projections.hub.outcomes import Outcome
from projections.messages import PostedMessage

IfGone = Callable[[Command, Outcome | ArcError], None]
"""Told what came of a command when its caller has gone."""


def tell_nobody(_result: object) -> None:
    """Nobody asked to be told."""


class Call(Struct):
    """A command on its way, and whom to tell.

    Attributes:
        command: what is asked for.
        done: told the outcome or the error, once, by `Commit.tell`.
        transport: the way it came.
        key: the caller's idempotency key.
        request: a hash of the request that the key belongs to.
        sender: who asks: whom the command names; where it names nobody, whom the carrier knows.
        former_request: the same hash as former versions made it, which may be what is kept.
        relies_on: what must hold for it to be done.
        principal: whom it is proved to be from.
    """

    command: Command
    done: Callable[[Outcome | ArcError], None] = tell_nobody
    transport: str = "hub"
    key: str | None = None
    request: bytes | None = None
    sender: str = ""
    former_request: bytes | None = None
    relies_on: Preconditions | None = None
    principal: Principal | None = None

    def is_of(self, kept: KeptKey) -> bool:
        """Whether a key that is known came with this call's request."""
        return kept.is_of(self.request, self.former_request)

    def __post_init__(self) -> None:
        known = self.sender or ("" if self.principal is None else self.principal.agent_id)
        self.sender = sender_of(self.command, known)


def outcome_of(call: Call, loop: asyncio.AbstractEventLoop, if_gone: IfGone | None = None) -> "asyncio.Future[Outcome]":
    """What will come of a call, as a future; the call is to be submitted then.

    Args:
        call: the call, which tells the future.
        loop: the loop that runs.
        if_gone: told instead, with the command, when nobody waits for the future any more.
    """
    future: asyncio.Future[Outcome] = loop.create_future()
    # It knows the command and not the call, which knows it: else only the collector would free each call.
    call.done = partial(_tell, future, call.command, if_gone)
    return future


def _tell(
    future: "asyncio.Future[Outcome]", command: Command, if_gone: IfGone | None, result: Outcome | ArcError
) -> None:
    if future.done():  # a caller that went away has cancelled it
        if if_gone is not None:
            if_gone(command, result)
    elif isinstance(result, ArcError):
        future.set_exception(result)
    else:
        future.set_result(result)


class Commit(Struct):
    """A transaction: staged, then flushed, then told.

    Attributes:
        after: the end of the log before it.
        head: the end of the log after it.
        messages: what is said in it.
        answers: what each call is to be told.
        told: the calls that have waited, and what they are to be told.
        foreign: whether another process appended since the transaction before.
        staged: whether it waits to be flushed.
        has_work: whether it may have made a task ready.
        has_erasure: whether another hub may have erased something before it.
    """

    after: int
    head: int
    messages: list[PostedMessage]
    answers: list[tuple[Call, Outcome | ArcError]]
    told: list[tuple[OpenCall[Outcome], Outcome]] = field(default_factory=list)
    foreign: bool = False
    staged: bool = False
    has_work: bool = False
    has_erasure: bool = False

    @property
    def calls(self) -> list[Call]:
        """The calls that it is made of."""
        return [call for call, _result in self.answers]

    def tell(self) -> None:
        """Give every caller its answer."""
        for call, result in self.answers:
            call.done(result)
        for waiting, outcome in self.told:
            waiting.tell(outcome)


def joined(commits: Sequence[Commit]) -> Commit:
    """Transactions that followed one another, told as one."""
    return Commit(
        commits[0].after,
        commits[-1].head,
        [message for commit in commits for message in commit.messages],
        [answer for commit in commits for answer in commit.answers],
        [told for commit in commits for told in commit.told],
        foreign=True,
        has_work=True,
        has_erasure=any(commit.has_erasure for commit in commits),
    )
