"""Idempotency keys of requests, and the hashes by which a repeated request is known.

The same key with the same request gets the first answer again. "The same" is a matter of what is asked for, not of how
it is written: a client that writes its JSON again for a retry may order the fields or set the spaces otherwise.
"""

import re
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct
from starlette.types import Scope

from api.http.headers import HEADERS
from arclog.errors import InvalidInput

HEADER: Final = "Idempotency-Key"
KEY: Final = HEADER.lower().encode()

_is_key = re.compile(r"[!-~]{1,256}").fullmatch
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode


class RequestHash(Struct, frozen=True):
    """By what a request is known again.

    Attributes:
        asked: a hash of what it asks for; this is kept with its event.
        written: a hash of its bytes, which storages have that were written before.
    """

    asked: bytes
    written: bytes


def hash_request(method: bytes, path: bytes, body: bytes) -> RequestHash:
    """The hashes of a request whose body is JSON.

    Args:
        method: the HTTP method.
        path: the path, as it came.
        body: the body, as it came; an empty one is an empty object.
    """
    try:
        asked = _encode(_decode(body or b"{}"))
    except (msgspec.MsgspecError, OverflowError, RecursionError, UnicodeError):
        asked = body  # in a field that no command has, JSON may hold what cannot be written again
    return RequestHash(_hash(b"json", method, path, asked), _hash(method, path, body))


def _hash(*parts: bytes) -> bytes:
    return sha256(b"\0".join(parts)).digest()


def find_key(scope: Scope) -> str | None:
    """The request's idempotency key.

    Raises:
        InvalidInput: it is empty, too long, or has characters that cannot be seen.
    """
    key: bytes | None = scope[HEADERS].get(KEY)
    return None if key is None else check_key(HEADER, key.decode("latin-1"))


def check_key(name: str, key: str) -> str:
    """An idempotency key, which came as `name`.

    Raises:
        InvalidInput: it is empty, too long, or has characters that cannot be seen.
    """
    if not _is_key(key):
        raise InvalidInput(name, "must be 1 to 256 visible ASCII characters")
    return key


def key_of_line(key: str, line: int) -> str:
    """The key of one line of a batch that came under a key of its own; it has a space, so that no caller can send it.

    Args:
        key: the batch's.
        line: the line's number among those that are not empty, from 1.
    """
    return f"{key} {line}"
