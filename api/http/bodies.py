"""The bodies of requests, read strictly: a value of a wrong type is refused by its field's name, never guessed at."""

import codecs
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct, inspect
from starlette.types import Receive, Scope

from api.http.errors import ClientGone, RequestTooLarge
from api.http.headers import HEADERS
from api.http.meaning import as_meant
from api.http.mismatches import find_mismatch
from arclog.deciders import fields
from arclog.deciders.preconditions import FIELDS, Preconditions
from arclog.errors import InvalidInput

B = TypeVar("B", bound=Struct)

_MARKS: Final = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
"""Byte order marks; that of UTF-32 begins like that of UTF-16."""

_GZIP: Final = b"\x1f\x8b"

_decode_loosely = msgspec.json.Decoder(float_hook=float).decode
"""Takes numbers that are out of range for infinite ones, so that they are found where they stand."""


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body of a request.

    Raises:
        RequestTooLarge: it is longer than `most` bytes; the rest of it was not read.
        ClientGone: the client closed the connection before its end.
    """
    announced = scope[HEADERS].get(b"content-length")
    if announced is not None and int(announced) > most:
        raise RequestTooLarge(most)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message["body"]
    if message["more_body"]:
        body = await _read_on(body, receive, most)
    elif len(body) > most:
        raise RequestTooLarge(most)
    return body


async def _read_on(body: bytes, receive: Receive, most: int) -> bytes:
    """A body that comes in pieces, of which `body` is the first."""
    parts, size, more = [body], len(body), True
    while more:
        if size > most:
            raise RequestTooLarge(most)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message["body"])
        size += len(message["body"])
        more = message["more_body"]
    if size > most:
        raise RequestTooLarge(most)
    return b"".join(parts)


class BodyReader(Generic[B]):
    """Makes the Struct of one route out of the bodies of its requests.

    An empty body is an empty object. A field that has a default may be null, and then has it: many clients write what
    is absent so. A whole number may be written `5.0`.
    """

    def __init__(self, body_type: type[B]) -> None:
        info = inspect.type_info(body_type)
        assert isinstance(info, inspect.StructType)
        self._type = body_type
        self._info = info
        self._decode = msgspec.json.Decoder(body_type).decode

    def read(self, body: bytes) -> B:
        """The request that `body` holds.

        Raises:
            InvalidInput: it is not UTF-8, not JSON, not an object, or a field has a value of a wrong type.
        """
        try:
            if not body.isascii():
                body.decode()
            return self._decode(body or b"{}")
        except msgspec.ValidationError as error:
            refused = error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _explain(error, body) from None
        try:
            return self._read_slowly(body, refused)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _explain(error, body) from None

    def take(self, given: Mapping[str, object]) -> B:
        """The request that decoded JSON stands for; its depth, integers and text have been looked at.

        Raises:
            InvalidInput: a field has a value of a wrong type.
        """
        try:
            return msgspec.convert(given, self._type)
        except msgspec.ValidationError as error:
            return self._take_slowly(given, error)

    def _read_slowly(self, body: bytes, refused: msgspec.ValidationError) -> B:
        """The same as its client meant it; or what about it is wrong, by the name of its field."""
        return self._take_slowly(_decode_loosely(body or b"{}"), refused)

    def _take_slowly(self, value: Any, refused: msgspec.ValidationError) -> B:  # noqa: ANN401 - any JSON value
        value = as_meant(self._info, value)
        mismatch = find_mismatch(self._info, value)
        if mismatch is not None:
            raise InvalidInput(mismatch.field, mismatch.problem)
        try:
            return msgspec.convert(value, self._type)
        except msgspec.ValidationError:
            raise InvalidInput("body", f"cannot be used: {refused}") from None


_preconditions = BodyReader(Preconditions)


def read_preconditions(body: bytes) -> Preconditions | None:
    """What a change relies on, which the body of any may say beside its own; None when that is nothing.

    Raises:
        InvalidInput: it is not what `Preconditions` tells.
    """
    # By `find`: `in` tries whether bytes are a number first, and makes an error of it each time.
    says_any = body.find(b'"require"') >= 0 or body.find(b'"if_none_since"') >= 0
    return _preconditions.read(body) if says_any else None


def take_preconditions(body: Mapping[str, object]) -> Preconditions | None:
    """The same of a body that is decoded."""
    given = {name: body[name] for name in FIELDS if name in body}
    return _preconditions.take(given) if given else None


def _explain(error: Exception, body: bytes) -> InvalidInput:
    """Why a body is not JSON."""
    try:
        refuse_encoding(body)
    except InvalidInput as refused:
        return refused
    match error:
        case UnicodeDecodeError():
            return InvalidInput("body", f"must be UTF-8: byte {error.start} is not")
        case RecursionError():
            return InvalidInput("body", f"must not be nested deeper than {fields.MAX_JSON_DEPTH} levels")
        case _:
            return InvalidInput("body", f"must be valid JSON: {error}")


def refuse_encoding(body: bytes) -> None:
    """Refuse a body that is text in another encoding than JSON is sent in (RFC 8259, section 8.1).

    Raises:
        InvalidInput: it is, and this is what it looks like.
    """
    for mark, name in _MARKS:
        if body.startswith(mark):
            raise InvalidInput("body", f"must be UTF-8 without a byte order mark, but begins with that of {name}")
    if body.startswith(_GZIP):
        raise InvalidInput("body", "must be sent as it is, but is compressed by gzip")
    if b"\0" in body[:2]:
        raise InvalidInput("body", "must be UTF-8, but looks like UTF-16")
