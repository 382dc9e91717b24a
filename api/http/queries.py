"""Queries and the ids in paths, read strictly: a value that does not parse is refused by its name, never guessed at."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Generic, TypeVar
from urllib.parse import unquote_to_bytes

from msgspec import Struct, inspect
from starlette.types import Scope

from arclog.deciders import fields
from arclog.deciders.fields import MAX_ID_CHARS
from arclog.errors import InvalidInput, NotFound

Q = TypeVar("Q", bound=Struct)

Value = str | int | float | bool
"""What a parameter's text can stand for."""

TRUE: Final = frozenset({"1", "true", "yes"})
"""What a flag of a query is true for, in any case; anything else is false."""
MAX_DIGITS: Final = 19
"""The most digits that an integer of 64 bits has."""

_is_broken_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_is_whole = re.compile(r"-?[0-9]+").fullmatch
_is_number = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch


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
        self._unasked = None if self._required else query_type()

    def read(self, scope: Scope) -> Q:
        """The parameters of a request.

        Raises:
            InvalidInput: one is missing, of the wrong type, out of bounds, or not UTF-8.
        """
        ids, query = scope["path_params"], scope["query_string"]
        if not ids and not query and self._unasked is not None:
            return self._unasked
        values: dict[str, Value] = {}
        for name, text in ids.items():
            values[self._fields[name].name] = self._fields[name].parse_segment(name, text)
        if query:
            for part in _decode("query", query).split("&"):
                name, _, text = part.partition("=")
                parameter = self._fields.get(name)
                if parameter is None or parameter.name in values:
                    continue
                text = unescape(name, text.replace("+", " ")).strip()
                if text:
                    values[parameter.name] = parameter.parse(name, text)
        return self._make(values)

    def take(self, given: Mapping[str, Value]) -> Q:
        """The parameters of a call from inside the hub's process, by the rules for those in a URL.

        Args:
            given: the parameters and the ids of the path by name, not encoded.

        Raises:
            InvalidInput: one is missing, of the wrong type, or out of bounds.
        """
        values: dict[str, Value] = {}
        for name, value in given.items():
            parameter = self._fields[name]
            text = str(int(value) if isinstance(value, bool) else value).strip()
            if text:
                values[parameter.name] = parameter.parse(name, text)
        return self._make(values)

    def _make(self, values: dict[str, Value]) -> Q:
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
        self.parse: Callable[[str, str], Value] = partial(_PARSERS[type(kind)], kind)
        """Gives the value that a text stands for; its arguments are the parameter's name and the text."""

    def parse_segment(self, name: str, text: str) -> Value:
        """The value of a path's segment."""
        text = unescape(name, text).strip()
        try:
            return self.parse(name, text)
        except InvalidInput:
            if isinstance(self._kind, inspect.IntType):
                raise NotFound(name, text) from None  # what cannot be an id names nothing
            raise


def _id(kind: inspect.StrType, name: str, text: str) -> str:
    return fields.required_text(name, text, kind.max_length or MAX_ID_CHARS)


def _flag(_kind: inspect.BoolType, _name: str, text: str) -> bool:
    return text.lower() in TRUE


def _choice(kind: inspect.LiteralType, name: str, text: str) -> str:
    if text not in kind.values:
        raise InvalidInput(name, f"must be {' or '.join(map(repr, kind.values))}, not {text!r}")
    return text


def _number(_kind: inspect.FloatType, name: str, text: str) -> float:
    if not _is_number(text):
        raise InvalidInput(name, f"must be a number of seconds, not {text!r}")
    return float(text)


def _integer(kind: inspect.IntType, name: str, text: str) -> int:
    if not _is_whole(text):
        raise InvalidInput(name, f"must be an integer, not {text!r}")
    # With more digits the number is out of bounds anyway; to read a million of them would take long.
    value = int(text.removeprefix("-").lstrip("0")[:MAX_DIGITS] or "0") * (-1 if text[0] == "-" else 1)
    if kind.ge is not None and value < kind.ge:
        raise InvalidInput(name, f"must be at least {kind.ge}, not {text}")
    if kind.le is not None and value > kind.le:
        raise InvalidInput(name, f"must be at most {kind.le}, not {text}")
    return value


_PARSERS: Final[Mapping[type[inspect.Type], Callable[..., Value]]] = {
    inspect.StrType: _id,
    inspect.BoolType: _flag,
    inspect.LiteralType: _choice,
    inspect.FloatType: _number,
    inspect.IntType: _integer,
}
"""By the type of a parameter, what gives the value that a text stands for."""


def unescape(name: str, text: str) -> str:
    """`text` with its percent escapes decoded.

    Raises:
        InvalidInput: an escape is broken, or what they stand for is not UTF-8.
    """
    if "%" not in text:
        return text
    if _is_broken_escape(text):
        raise InvalidInput(name, "contains an unescaped %; write it as %25")
    return _decode(name, unquote_to_bytes(text))


def _decode(name: str, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise InvalidInput(name, "must be UTF-8, percent-encoded") from None
