"""Requests, read strictly: a value of the wrong type is refused by the name of its field, never guessed at."""

import re
from collections.abc import Mapping
from typing import Final, Generic, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct, inspect
from starlette.types import Receive, Scope

from api.http.errors import ClientGone, RequestTooLarge
from arclog.deciders import fields
from arclog.deciders.fields import MAX_ID_CHARS
from arclog.errors import InvalidInput, NotFound

B = TypeVar("B", bound=Struct)
Q = TypeVar("Q", bound=Struct)

Value = str | int | float | bool
"""What a parameter's text can stand for."""

TRUE: Final = frozenset({"1", "true", "yes"})
"""What a flag of a query is true for, in any case; anything else is false."""
JSON_TYPES: Final[Mapping[str, str]] = {
    "array": "an array",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "object": "an object",
    "str": "a string",
}
"""What the decoder's types are called in JSON."""
HEADERS: Final = "arc.headers"
"""In the scope: the request's headers by name."""
MAX_DIGITS: Final = 19
"""An integer of 64 bits has so many."""
TRANSPORT: Final = "arc.transport"
"""In the scope of a call that came by another road than HTTP: its name."""

AGENT_HEADER: Final = "X-Arc-Agent"
AGENT: Final = AGENT_HEADER.lower().encode()
"""The header that says who asks where nothing else in a request does."""

AS_TYPED: Final = "!#$%&'()*+,/:;=?@[]~"
"""What stays as it is in a URL that somebody typed; the rest is percent-encoded."""

_is_broken_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_is_whole = re.compile(r"-?[0-9]+").fullmatch
_is_number = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch
_is_key = re.compile(r"[!-~]{1,256}").fullmatch
_split_error = re.compile(r"(?P<problem>.*?)(?: - at `\$\.?(?P<field>.*)`)?", re.DOTALL).fullmatch
_split_types = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`").fullmatch
_find_missing = re.compile(r"Object missing required field `(?P<field>[^`]*)`").fullmatch


# Bodies -------------------------------------------------------------------------------------------------------------


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body of a request.

    Raises:
        RequestTooLarge: it is longer than `most` bytes; the rest of it was not read.
        ClientGone: the client closed the connection before its end.
    """
    announced = scope[HEADERS].get(b"content-length")
    if announced is not None and int(announced) > most:
        raise RequestTooLarge(most, unread=True)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message["body"]
    if message["more_body"]:
        body = await _read_on(body, receive, most)
    elif len(body) > most:
        raise RequestTooLarge(most, unread=False)
    return body


async def _read_on(body: bytes, receive: Receive, most: int) -> bytes:
    """A body that comes in pieces, of which `body` is the first."""
    parts, size, more = [body], len(body), True
    while more:
        if size > most:
            raise RequestTooLarge(most, unread=True)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message["body"])
        size += len(message["body"])
        more = message["more_body"]
    if size > most:
        raise RequestTooLarge(most, unread=False)
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


# Queries and paths --------------------------------------------------------------------------------------------------


class QueryReader(Generic[Q]):
    """Makes the Struct of one route out of query strings and the ids in paths.

    The Struct's fields say which parameters there are: `str` is an id, `bool` a flag, `int` and `float` numbers with
    the bounds of their `Meta`, a `Literal` a choice. Unknown parameters are ignored, blank ones count as absent, and
    of one that is given twice the first counts.
    """

    def __init__(self, query_type: type[Q]) -> None:
        info = inspect.type_info(query_type)
        assert isinstance(info, inspect.StructType)
        self._type = query_type
        self._fields = {field.encode_name: _Parameter(field) for field in info.fields}
        self._required = [field.encode_name for field in info.fields if field.required]

    def read(self, scope: Scope) -> Q:
        """The parameters of a request.

        Raises:
            InvalidInput: one is missing, of the wrong type, out of bounds, or not UTF-8.
        """
        values: dict[str, Value] = {}
        for name, text in scope["path_params"].items():
            values[self._fields[name].name] = self._fields[name].parse_segment(name, text)
        query = scope["query_string"]
        if query:
            for part in _decode("query", query).split("&"):
                name, _, text = part.partition("=")
                parameter = self._fields.get(name)
                if parameter is None or parameter.name in values:
                    continue
                text = unescape(name, text.replace("+", " ")).strip()
                if text:
                    values[parameter.name] = parameter.parse(name, text)
        for name in self._required:
            if self._fields[name].name not in values:
                raise InvalidInput(name, "is required")
        return self._type(**values)


class _Parameter:
    """How one parameter is read."""

    def __init__(self, field: inspect.Field) -> None:
        self.name = field.name
        kind = field.type
        if isinstance(kind, inspect.UnionType):
            kind = next(member for member in kind.types if not isinstance(member, inspect.NoneType))
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        self._kind = kind

    def parse_segment(self, name: str, text: str) -> Value:
        """The value of a path's segment."""
        text = unescape(name, text).strip()
        if not isinstance(self._kind, inspect.IntType):
            return self.parse(name, text)
        try:
            return self.parse(name, text)
        except InvalidInput:
            raise NotFound(name, text) from None  # what cannot be an id names nothing

    def parse(self, name: str, text: str) -> Value:
        """The value that `text` stands for."""
        kind = self._kind
        if isinstance(kind, inspect.StrType):
            return fields.required_id(name, text, kind.max_length or MAX_ID_CHARS)
        if isinstance(kind, inspect.BoolType):
            return text.lower() in TRUE
        if isinstance(kind, inspect.LiteralType):
            if text not in kind.values:
                raise InvalidInput(name, f"must be {' or '.join(map(repr, kind.values))}, not {text!r}")
            return text
        if isinstance(kind, inspect.FloatType):
            if not _is_number(text):
                raise InvalidInput(name, f"must be a number of seconds, not {text!r}")
            return float(text)
        assert isinstance(kind, inspect.IntType)
        return _integer(name, text, kind)


def _integer(name: str, text: str, kind: inspect.IntType) -> int:
    if not _is_whole(text):
        raise InvalidInput(name, f"must be an integer, not {text!r}")
    # Behind so many digits the number is out of bounds anyway; to read a million of them would take long.
    value = int(text.removeprefix("-").lstrip("0")[:MAX_DIGITS] or "0") * (-1 if text[0] == "-" else 1)
    if kind.ge is not None and value < kind.ge:
        raise InvalidInput(name, f"must be at least {kind.ge}, not {text}")
    if kind.le is not None and value > kind.le:
        raise InvalidInput(name, f"must be at most {kind.le}, not {text}")
    return value


def unescape(name: str, text: str) -> str:
    """`text` with its percent escapes decoded.

    Raises:
        InvalidInput: an escape is broken, or what they stand for is not UTF-8.
    """
    if "%" not in text:
        return text
    if _is_broken_escape(text):
        raise InvalidInput(name, "has a % that is no escape; write %25")
    return _decode(name, unquote_to_bytes(text))


def _decode(name: str, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise InvalidInput(name, "must be UTF-8, percent-encoded") from None


# Headers ------------------------------------------------------------------------------------------------------------


def find_key(scope: Scope) -> str | None:
    """The request's idempotency key.

    Raises:
        InvalidInput: it is empty, too long, or has characters that cannot be seen.
    """
    key: bytes | None = scope[HEADERS].get(b"idempotency-key")
    return None if key is None else check_key("Idempotency-Key", key.decode("latin-1"))


def check_key(name: str, key: str) -> str:
    """An idempotency key, which came as `name`.

    Raises:
        InvalidInput: it is empty, too long, or has characters that cannot be seen.
    """
    if not _is_key(key):
        raise InvalidInput(name, "must be 1 to 256 visible ASCII characters")
    return key


def find_sender(scope: Scope) -> str:
    """The agent that a header of the request says it is from; empty when none does.

    Raises:
        InvalidInput: it is not UTF-8, or cannot be an agent's id.
    """
    header: bytes | None = scope[HEADERS].get(AGENT)
    if header is None:
        return ""
    try:
        return fields.agent(AGENT_HEADER, header.decode())
    except UnicodeDecodeError:
        raise InvalidInput(AGENT_HEADER, "must be UTF-8") from None


def transport_of(scope: Scope) -> str:
    """The road that the call took."""
    transport: str = scope.get(TRANSPORT, "http")
    return transport
