"""The bodies of requests, read strictly: a value of a wrong type is refused by its field's name, never guessed at."""

import re
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope

from api.http.errors import ClientGone, RequestTooLarge
from api.http.headers import HEADERS
from arclog.deciders import fields
from arclog.errors import InvalidInput

B = TypeVar("B", bound=Struct)

JSON_TYPES: Final[Mapping[str, str]] = {
    "array": "an array",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "object": "an object",
    "str": "a string",
}
"""What the decoder's types are called in JSON."""

_split_error = re.compile(r"(?P<problem>.*?)(?: - at `\$\.?(?P<field>.*)`)?", re.DOTALL).fullmatch
_split_types = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`").fullmatch
_find_missing = re.compile(r"Object missing required field `(?P<field>[^`]*)`").fullmatch


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
    """Makes the Struct of one route out of the bodies of its requests; an empty body is an empty object."""

    def __init__(self, body_type: type[B]) -> None:
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
            raise _invalid_field(str(error)) from None
        except msgspec.DecodeError as error:
            raise InvalidInput("body", f"must be valid JSON: {error}") from None
        except UnicodeDecodeError as error:
            raise InvalidInput("body", f"must be UTF-8: byte {error.start} is not") from None
        except RecursionError:
            raise InvalidInput("body", f"must not be nested deeper than {fields.MAX_JSON_DEPTH} levels") from None


def _invalid_field(message: str) -> InvalidInput:
    """What msgspec says of a value, in terms of the field that holds it."""
    split = _split_error(message)
    assert split is not None
    problem, field = split["problem"], split["field"] or ""
    if missing := _find_missing(problem):
        return InvalidInput(f"{field}.{missing['field']}" if field else missing["field"], "is required")
    if types := _split_types(problem):
        wanted = " or ".join(JSON_TYPES.get(name, name) for name in types["wanted"].split(" | "))
        got = JSON_TYPES.get(types["got"], types["got"])
        return InvalidInput(field or "body", f"must be {wanted}, not {got}")
    return InvalidInput(field or "body", f"cannot be used: {problem[:1].lower()}{problem[1:]}")
