"""The envelopes of the file relay: what a request file must hold, and what a response file holds. No I/O.

Whatever is in a request file was written by somebody who may mean harm, so nothing here trusts it: a request comes out
of `parse_request` checked, or `Refused` says what to change.
"""

import hashlib
import os
import re
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec import Struct

MAX_ENVELOPE_BYTES: Final = 65_536
"""What an envelope may weigh beside the body that it carries: ids, method, path, and JSON's white space."""

BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
CONFLICT: Final = 409
SERVER_FAULT: Final = 500
UNAVAILABLE: Final = 503
CODES: Final = {
    BAD_REQUEST: "invalid_input",
    FORBIDDEN: "forbidden",
    CONFLICT: "conflict",
    SERVER_FAULT: "internal_error",
    UNAVAILABLE: "outcome_unknown",
}
"""The hub's codes for what the relay answers itself."""
METHODS: Final = ("GET", "POST", "DELETE")
HOOKS: Final = "/v1/hooks/"

_BOM: Final = b"\xef\xbb\xbf"
"""PowerShell and some editors put it before UTF-8."""

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
"""How a file begins that Windows PowerShell 5 writes."""

_find_bad_path = re.compile(r"[^!-~]|#|\\").search
_is_plain_key = re.compile(r"[A-Za-z0-9._/-]{1,200}").fullmatch

JsonObject = dict[str, Any]


class Refused(Exception):
    """A request that the relay answers itself.

    Attributes:
        status: 400 when the request cannot be understood, 403 when its agent may not make it, 409 when a hook comes
            too late, 503 when the hub does not answer one.
        request_id: the request's own id, where it could be read.
    """

    def __init__(self, problem: str, *, status: int = BAD_REQUEST, request_id: str | None = None) -> None:
        super().__init__(problem)
        self.status = status
        self.request_id = request_id


class NotWhole(Refused):
    """A file that is not JSON yet, but can become it when its writer goes on."""


class Request(Struct, frozen=True, kw_only=True):
    """A request that can be carried to the hub.

    Attributes:
        request_id: the caller's id for it; the file's name where it gave none.
        agent_id: who asks; the folder's name where it gave none.
        method: `GET`, `POST` or `DELETE`.
        path: path and query, percent-encoded.
        body: the JSON object that goes with it.
    """

    request_id: str
    agent_id: str
    method: str
    path: str
    body: JsonObject | None = None

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"

    @property
    def is_hook(self) -> bool:
        """Whether it is a harness's hook, which is carried at once and once, or not at all: see `relay.hook_calls`."""
        return self.writes and unquote(self.path).startswith(HOOKS)

    @property
    def waits(self) -> bool:
        """Whether it may take a minute: a long poll, or a change that waits for its turn."""
        if self.method == "GET":
            return re.search(r"[?&]timeout=", self.path) is not None
        return bool((self.body or {}).get("wait_sec"))

    def encode_body(self) -> bytes:
        """The body as the hub is to read it. Encoding it again leaves no room for two readings of odd JSON."""
        return b"" if self.body is None else msgspec.json.encode(self.body)


def parse_request(content: bytes, folder: str, stem: str) -> Request:
    """The request that a file holds.

    Args:
        content: all of the file.
        folder: the name of the folder it lies in.
        stem: the file's name without its suffix.

    Raises:
        NotWhole: the file is not JSON yet.
        Refused: with 400 and what is wrong.
    """
    fields = _decode(content)
    if not isinstance(fields, dict):
        raise Refused("request envelope must be a JSON object")
    request_id = fields.get("request_id")
    if isinstance(request_id, int) and not isinstance(request_id, bool):
        request_id = str(request_id)  # counting one's requests is natural
    request_id = _optional_text("request_id", request_id, None) or readable(stem)
    try:
        return Request(
            request_id=request_id,
            agent_id=_optional_text("agent_id", fields.get("agent_id"), request_id) or readable(folder),
            method=_method(fields.get("method")),
            path=_path(fields.get("path")),
            body=_body(fields.get("body")),
        )
    except Refused as refused:
        refused.request_id = request_id
        raise


def idempotency_key(folder: str, request_id: str) -> str:
    """The key under which the hub does a request once: printable, at most 200 characters.

    The folder is part of it, so that two agents which number their requests do not share keys in calls that name no
    agent. Ids that would not fit into a header are hashed.
    """
    key = f"{folder}/{request_id}"
    if _is_plain_key(key):
        return key
    return "sha256/" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def encode_answer(request_id: str, status: int, body: bytes, completed_at: str) -> bytes:
    """The response that carries the hub's answer.

    Args:
        request_id: the request's id.
        status: the hub's status.
        body: the hub's whole envelope, as JSON.
        completed_at: UTC, in ISO 8601.
    """
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (ValueError, RecursionError):
        problem = f"the relay carries JSON only, and the hub's answer (status {status}) is not JSON"
        return encode_refusal(request_id, max(status, BAD_REQUEST), problem, completed_at)
    response: JsonObject = {"request_id": request_id, "ok": status < BAD_REQUEST, "status": status}
    response |= {"body": msgspec.Raw(body), "completed_at": completed_at}
    if envelope.error is not None:
        response["error"] = envelope.error
    return msgspec.json.encode(response)


def encode_refusal(request_id: str, status: int, problem: str, completed_at: str) -> bytes:
    """The response of the relay itself, in the shape of the hub's: for a 400 the error names the request invalid."""
    error = f"invalid relay request: {problem}" if status == BAD_REQUEST else problem
    body = {"ok": False, "error": error, "code": CODES.get(status, CODES[SERVER_FAULT])}
    response = {"request_id": request_id, "ok": False, "status": status, "body": body}
    return msgspec.json.encode({**response, "completed_at": completed_at, "error": error})


def read_status(content: bytes) -> int | None:
    """The status in a response file, or None when it holds no response."""
    try:
        return msgspec.json.decode(content, type=_Status).status
    except (ValueError, RecursionError):
        return None


def readable(name: str) -> str:
    """A file's name as text that JSON can hold; bytes that are not UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


class _Envelope(Struct):
    error: str | None = None


class _Status(Struct):
    status: int


def _decode(content: bytes) -> Any:  # noqa: ANN401  # any JSON value
    if content.startswith(_UTF_16):
        raise Refused("request envelope is UTF-16: write it as UTF-8")
    try:
        return msgspec.json.decode(content.removeprefix(_BOM))
    except RecursionError:
        raise Refused("request envelope is nested too deeply") from None
    except ValueError as error:
        problem = Refused if _is_final(content, error) else NotWhole
        raise problem(f"request envelope is not JSON: {error}") from None


def _is_final(content: bytes, error: ValueError) -> bool:
    """Whether a file that is not JSON stays so, whatever its writer adds.

    Some mounts show a file at its full size before its content is there: it reads as zeros until then.
    """
    return "truncated" not in str(error) and b"\0" not in content and not _BOM.startswith(content)


def _optional_text(field: str, value: object, request_id: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused(f"request {field} must be a string", request_id=request_id)
    return value.strip()


def _method(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused("request envelope needs a method, as text")
    method = value.strip().upper()
    if method not in METHODS:
        raise Refused(f"request method must be one of {', '.join(METHODS)}")
    return method


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/"):
        raise Refused("request path must start with '/'")
    if _find_bad_path(value):
        raise Refused("request path must be percent-encoded, without spaces, '#' and '\\'")
    return value


def _body(value: object) -> JsonObject | None:
    if value is not None and not isinstance(value, dict):
        raise Refused("request body must be a JSON object when provided")
    return value
