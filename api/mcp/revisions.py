"""The two eras of MCP over HTTP.

Until revision 2025-11-25 a client opens with `initialize` and settles on a version once. From 2026-07-28 on every
request says all that is needed to serve it: version and capabilities in `params._meta`, and headers that repeat what a
proxy needs to know. A header that disagrees with the body is refused, since a reader of one would be misled about
the other.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final

from api.mcp.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    ProtocolError,
    RpcRequest,
)
from arclog.events import JsonObject

HANDSHAKE_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
BATCH_VERSIONS: Final = HANDSHAKE_VERSIONS[:2]
"""Revisions in which a message may be a batch of several."""
REQUEST_VERSIONS: Final = ("2026-07-28",)

PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
VERSION_HEADER: Final = b"mcp-protocol-version"
METHOD_HEADER: Final = b"mcp-method"
NAME_HEADER: Final = b"mcp-name"
NAMED_BY: Final = {"tools/call": "name", "resources/read": "uri"}
"""Methods whose requests repeat a parameter in the header `Mcp-Name`."""
CACHEABLE: Final = frozenset(
    {"server/discover", "tools/list", "resources/list", "resources/templates/list", "resources/read"}
)
STATUS_OF: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
"""JSON-RPC error code to HTTP status; every other code goes with 200."""


def has_batches(version: str | None) -> bool:
    """Whether a revision has batches; None is one that was not named."""
    return version in {None, *BATCH_VERSIONS}


def is_handshake(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request belongs to the era of the handshake: it names a version of it, or none."""
    version = headers.get(VERSION_HEADER)
    return version is None or version.decode("latin-1") in HANDSHAKE_VERSIONS


def negotiate(params: JsonObject) -> str:
    """The version that answers the one a client asked for in `initialize`."""
    wanted = params.get("protocolVersion")
    return wanted if isinstance(wanted, str) and wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def check(request: RpcRequest, headers: Mapping[bytes, bytes], lines: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a request of the second era that is incomplete or contradicts itself.

    Args:
        request: the request.
        headers: its headers by name.
        lines: its headers as they came, each with its name.

    Raises:
        ProtocolError: what is wrong with it.
    """
    names = [name for name, _value in lines]
    for name in (VERSION_HEADER, METHOD_HEADER, NAME_HEADER):
        if names.count(name) > 1:
            raise ProtocolError(HEADER_MISMATCH, f"the header {name.decode()} was sent more than once")
    meta = request.params.get("_meta")
    missing = [key for key in (PROTOCOL_VERSION, CLIENT_CAPABILITIES) if not isinstance(meta, dict) or key not in meta]
    if missing or not isinstance(meta, dict):
        raise ProtocolError(INVALID_PARAMS, f"params._meta must have {' and '.join(missing)}")
    version = meta[PROTOCOL_VERSION]
    expected = {VERSION_HEADER: version, METHOD_HEADER: request.method}
    named = request.params.get(NAMED_BY.get(request.method, ""))
    if named is not None:
        expected[NAME_HEADER] = named
    for name, value in expected.items():
        if _plain(headers.get(name)) != value:
            raise ProtocolError(HEADER_MISMATCH, f"the header {name.decode()} must repeat {value!r}")
    check_version(request, meta)


def check_version(request: RpcRequest, meta: JsonObject) -> None:
    """Refuse a request of the second era in a revision that is not spoken here.

    Args:
        request: the request.
        meta: its `params._meta`.

    Raises:
        ProtocolError: it is.
    """
    version = meta[PROTOCOL_VERSION]
    if version not in REQUEST_VERSIONS:
        supported: JsonObject = {"supported": list(REQUEST_VERSIONS), "requested": version}
        raise ProtocolError(UNSUPPORTED_VERSION, "unsupported protocol version", data=supported)


def stamp(method: str, result: JsonObject, server: JsonObject) -> JsonObject:
    """A result as the second era has it: complete, with the server's name, and not to be kept."""
    stamped = {**result, "resultType": "complete", "_meta": {SERVER_INFO: server}}
    if method in CACHEABLE:
        stamped |= {"ttlMs": 0, "cacheScope": "private"}
    return stamped


def _plain(header: bytes | None) -> str | None:
    """The text that a header stands for; what is not plain ASCII comes as `=?base64?…?=`."""
    if header is None:
        return None
    text = header.decode("latin-1")
    if not (text.startswith("=?base64?") and text.endswith("?=")):
        return text
    try:
        return base64.b64decode(text[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
