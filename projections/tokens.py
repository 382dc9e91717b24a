"""Tokens: which agents' names are bound, and to what."""

from typing import Final

import apsw
from msgspec import Struct

from arclog.codec import Fact
from arclog.deciders.tokens import Holders, KnownToken, token_id_of
from arclog.events import TokenIssued, TokenRevoked
from arclog.sender import Principal
from arclog.sqlite.queries import Queries
from projections.intervals import AsOf
from projections.projector import Projector, Writer
from projections.times import timestamp

SQL: Final = Queries("projections", "tokens.sql")


class Token(Struct, frozen=True):
    """A token as it goes over the wire: all but the token."""

    token_id: str
    agent_id: str
    operator: bool
    issued_by: str
    issued_at: str
    revoked_by: str | None
    revoked_at: str | None


def _on_issued(writer: Writer, event: Fact, data: TokenIssued) -> None:
    row = (data.token_id, data.agent_id, data.hash, int(data.operator), data.issued_by, event.recorded_at)
    writer.write(SQL["issue"], (event.event_id, *row))


def _on_revoked(writer: Writer, event: Fact, data: TokenRevoked) -> None:
    writer.write(SQL["revoke"], (data.token_id, event.event_id, data.revoked_by, event.recorded_at))


PROJECTOR: Final = Projector(
    name="tokens",
    version=1,
    tables=("tokens", "token_revocations"),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={TokenIssued: _on_issued, TokenRevoked: _on_revoked},
)


def list_tokens(connection: apsw.Connection, at: AsOf) -> list[Token]:
    """All tokens that were ever issued, the oldest first."""
    return [_token(*row) for row in connection.execute(SQL["list"], {"at": at.at})]


def find_token(connection: apsw.Connection, token_id: str, at: AsOf) -> Token | None:
    """A token by its id."""
    row = connection.execute(SQL["find"], {"token_id": token_id, "at": at.at}).fetchone()
    return None if row is None else _token(*row)


def find_known(connection: apsw.Connection, token_id: str, at: AsOf) -> KnownToken | None:
    """What the rules want to know of a token."""
    found = find_token(connection, token_id, at)
    return None if found is None else KnownToken(found.token_id, found.agent_id, found.revoked_at is not None)


def read_holders(connection: apsw.Connection) -> Holders:
    """Who holds tokens now."""
    rows = connection.execute(SQL["list_holders"]).fetchall()
    return Holders(frozenset(str(agent_id) for agent_id, _ in rows), any(operator for _, operator in rows))


def find_holder(connection: apsw.Connection, digest: bytes) -> Principal | None:
    """Whose the token with this SHA-256 is, unless it was revoked."""
    token_id = token_id_of(digest)
    row = connection.execute(SQL["find_by_hash"], {"token_id": token_id, "hash": digest}).fetchone()
    return None if row is None else Principal(str(row[0]), token_id, bool(row[1]))


def _token(
    token_id: str,
    agent_id: str,
    operator: int,
    issued_by: str,
    issued_at: int,
    revoked_by: str | None,
    revoked_at: int | None,
) -> Token:
    return Token(
        token_id,
        agent_id,
        bool(operator),
        issued_by,
        timestamp(issued_at),
        revoked_by,
        None if revoked_at is None else timestamp(revoked_at),
    )
