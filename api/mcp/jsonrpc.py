"""JSON-RPC 2.0 as MCP has it: one object a message, or a batch of them, and ids that are text or integers."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import InvalidInput
from arclog.events import JsonObject

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
MAX_BATCH: Final = 1000
"""Messages in one batch: each may be answered by a hundred times its size."""

Id = str | int


class RpcRequest(Struct, frozen=True):
    """A request, or a notification: a request without an id, which nobody answers."""

    method: str
    params: JsonObject
    id: Id | None = None


class ProtocolError(Exception):
    """A message that cannot be served, in the terms of JSON-RPC.

    Args:
        code: one of the codes above.
        message: what is wrong with it.
        data: more about it, for programs.
        id: the id of a message that is no request, where it could be told.
    """

    def __init__(self, code: int, message: str, *, data: JsonObject | None = None, id: Id | None = None) -> None:  # noqa: A002 - its name in JSON-RPC
        super().__init__(message)
        self.code = code
        self.data = data
        self.id = id

    def reply(self, request: RpcRequest | None = None) -> JsonObject:
        """The message that tells the client.

        Args:
            request: what cannot be served; None for a message that is no request.
        """
        error: JsonObject = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": self.id if request is None else request.id, "error": error}


def decode(text: bytes | bytearray) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON that a host sent.

    Raises:
        ProtocolError: it is not JSON.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise ProtocolError(PARSE_ERROR, "parse error: it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(PARSE_ERROR, f"parse error: {error}") from None


def check_batch(messages: list[Any], *, taken: bool) -> None:
    """Refuse a batch that is not to be served.

    Args:
        messages: what is in it.
        taken: whether the revision that the host speaks has batches.

    Raises:
        ProtocolError: why it is refused.
    """
    if not taken:
        raise ProtocolError(INVALID_REQUEST, "a message must be one JSON object; this revision of MCP has no batches")
    if not messages:
        raise ProtocolError(INVALID_REQUEST, "a batch must hold at least one message")
    if len(messages) > MAX_BATCH:
        raise ProtocolError(INVALID_REQUEST, f"a batch must hold at most {MAX_BATCH} messages, not {len(messages)}")


def to_request(message: Any) -> RpcRequest | None:  # noqa: ANN401 - any JSON value
    """The request that a message holds; None for a response, since nothing was asked.

    Raises:
        ProtocolError: it is no JSON-RPC 2.0.
    """
    if not isinstance(message, dict):
        raise ProtocolError(INVALID_REQUEST, "a message must be a JSON object")
    given = message.get("id")
    known = given if isinstance(given, str) or _is_integer(given) else None
    if "method" not in message and ("result" in message or "error" in message):
        return None
    if message.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, 'jsonrpc must be "2.0"', id=known)
    method, params = message.get("method"), message.get("params")
    if not isinstance(method, str):
        raise ProtocolError(INVALID_REQUEST, "method must be text", id=known)
    if "id" in message and known is None:
        raise ProtocolError(INVALID_REQUEST, "id must be text or an integer of at most 64 bits")
    if params is not None and not isinstance(params, dict):
        raise ProtocolError(INVALID_REQUEST, "params must be an object", id=known)
    try:
        fields.check_json("params", params)
    except InvalidInput as error:
        raise ProtocolError(INVALID_PARAMS, str(error), id=known) from None
    return RpcRequest(method, params or {}, known)


def encode(message: JsonObject | list[JsonObject]) -> bytes:
    """A message or a batch as JSON, without line breaks."""
    return msgspec.json.encode(message)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
