"""Tokens: who may have them made, and what a call must prove."""

from typing import ClassVar, Final

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.families import SEPARATOR
from arclog.errors import Forbidden, InvalidInput, NotFound
from arclog.events import TokenIssued, TokenRevoked
from arclog.events.channels import ANONYMOUS
from arclog.sender import Principal

HASH_BYTES: Final = 32
ID_CHARS: Final = 12


class IssueToken(Struct, frozen=True, kw_only=True):
    """Bind an agent's name to a token, of which only the hash is told.

    Attributes:
        agent_id: whose it is.
        token_sha256: its SHA-256, in hexadecimal.
        operator: whether its holder may do what is for operators.
    """

    sender_field: ClassVar[str | None] = None

    agent_id: str
    token_sha256: str
    operator: bool = False


class RevokeToken(Struct, frozen=True, kw_only=True):
    """Refuse a token from now on."""

    sender_field: ClassVar[str | None] = None

    token_id: str


class Holders(Struct, frozen=True):
    """Who holds tokens.

    Attributes:
        bound: the agents whose names are their holders' alone.
        has_operators: whether anybody holds an operator's.
    """

    bound: frozenset[str] = frozenset()
    has_operators: bool = False


class KnownToken(Struct, frozen=True):
    """A token that was issued."""

    token_id: str
    agent_id: str
    revoked: bool = False


def check_sender(holders: Holders, sender: str, principal: Principal | None) -> None:
    """Let a call pass that comes from whom it says.

    Args:
        holders: who holds tokens.
        sender: the agent that the call is by its own word from, or acts on the session of.
        principal: whom it is proved to be from; that one acts as its sub-agents too.

    Raises:
        Forbidden: the name is another's.
    """
    proved = "" if principal is None else principal.agent_id
    if proved == sender:
        return
    bound = sender if sender in holders.bound else sender.rpartition(SEPARATOR)[0]
    if proved and proved == bound:
        return
    if bound in holders.bound:
        raise Forbidden(f"the name {bound!r} is bound to a token: only its holder acts as {sender!r}")
    if principal is not None and principal.token_id and proved and not principal.operator and sender != ANONYMOUS:
        raise Forbidden(f"this token is {proved!r}'s, which cannot act as {sender!r}")


def check_operator(holders: Holders, principal: Principal | None, *, strict: bool) -> None:
    """Let a call pass that only operators may make.

    Args:
        holders: who holds tokens.
        principal: whom the call is proved to be from.
        strict: whether, while nobody holds an operator's token, only this machine may.

    Raises:
        Forbidden: it is not from one.
    """
    if principal is not None and principal.operator:
        return
    if holders.has_operators:
        raise Forbidden("this is for operators: it needs an operator's token")
    if strict and principal is not None:
        raise Forbidden("this is for operators: call it on the hub's own machine, or with an operator's token")


def decide_issue(known: KnownToken | None, command: IssueToken, sender: str, now: int) -> TokenIssued | None:
    """Bind an agent's name to a token; one that is bound to it already is left alone.

    Args:
        known: the token of that hash, if there was one.
        command: what is asked for.
        sender: who asks.
        now: the time.

    Raises:
        InvalidInput: it is no hash, or that of a token which was revoked or is another agent's.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    try:
        digest = bytes.fromhex(command.token_sha256)
    except ValueError:
        digest = b""
    if len(digest) != HASH_BYTES:
        raise InvalidInput("token_sha256", "must be the SHA-256 of the token, 64 hexadecimal digits")
    if known is not None:
        if known.revoked or known.agent_id != agent_id:
            raise InvalidInput("token_sha256", "belongs to a token that was used before: make a new one")
        return None
    return TokenIssued(
        agent_id=agent_id,
        token_id=token_id_of(digest),
        hash=digest,
        operator=command.operator,
        issued_by=sender,
    )


def decide_revoke(known: KnownToken | None, command: RevokeToken, sender: str, now: int) -> TokenRevoked | None:
    """End a token; one that has ended is left alone.

    Raises:
        NotFound: there was never such a token.
    """
    if known is None:
        raise NotFound("token", command.token_id)
    if known.revoked:
        return None
    return TokenRevoked(agent_id=known.agent_id, token_id=known.token_id, revoked_by=sender)


def token_id_of(digest: bytes) -> str:
    """By what a token is named, which tells nothing of it."""
    return digest.hex()[:ID_CHARS]
