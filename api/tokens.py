"""Tokens over HTTP: to bind an agent's name, and to see what is bound."""

from msgspec import Struct

from api.http.as_of import Dated
from api.http.routes import ChangeRoute, NoBody, ReadCaller, ReadResult, ReadRoute, Route, created_or_known
from arclog.deciders.tokens import IssueToken, RevokeToken
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.tokens import Token, list_tokens


class TokenId(Struct, frozen=True):
    """Which token."""

    token_id: str


class TokensQuery(Dated, frozen=True, kw_only=True):
    """As of which moment."""


async def show_tokens(hub: Hub, query: TokensQuery, reader: ReadCaller) -> ReadResult:
    """Every token, without what only its holder knows."""
    return ReadResult(encode_json(hub.read(list_tokens, reader.at)))


def revoke(ids: TokenId, body: NoBody) -> RevokeToken:
    """The command that ends a token."""
    return RevokeToken(token_id=ids.token_id)


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="List the tokens that were issued, never what they are.",
        path="/v1/tokens",
        query=TokensQuery,
        answer=show_tokens,
        result=list[Token],
    ),
    ChangeRoute(
        does="Bind an agent's name to a token, of which the hub gets only the hash.",
        path="/v1/tokens",
        body=IssueToken,
        result=Token,
        status=created_or_known,
        statuses=(200, 201),
    ),
    ChangeRoute(
        does="Revoke a token, so that it is refused from then on.",
        method="DELETE",
        path="/v1/tokens/{token_id}",
        ids=TokenId,
        body=NoBody,
        command=revoke,
        result=Token,
    ),
)
