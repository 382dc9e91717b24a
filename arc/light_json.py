"""JSON without `re`: what the standard `json` does, by the half of it that is written in C.

Importing `json` takes longer than a hub takes to answer, because its other half needs `re`. Agents start `arc`
thousands of times, so the client and the quick commands read and write through this module. Where Python has no C half,
the whole of `json` does the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INDENT = "  "


class _Context:
    """How the scanner reads: as `json.loads` does."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float  # NaN and Infinity, which a hub never sends
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner empties it after each text


def _refuse(value: object) -> object:
    message = f"Object of type {type(value).__name__} is not JSON serializable"
    raise TypeError(message)


try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # pragma: no cover - not CPython
    import json

    def loads(text: str | bytes) -> object:
        """The value that a text holds."""
        return json.loads(text)

    def dumps(value: object, *, ascii_only: bool = True, indented: bool = False) -> str:
        """A value as text."""
        return json.dumps(value, ensure_ascii=ascii_only, indent=INDENT if indented else None, allow_nan=False)
else:
    _scan = make_scanner(_Context())  # type: ignore[arg-type]  # as `json.decoder` calls it, with a decoder

    def loads(text: str | bytes) -> object:
        """The value that a text holds.

        Args:
            text: JSON; bytes are UTF-8.

        Raises:
            ValueError: it is not JSON.
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", "surrogatepass")
        text = text.strip(" \t\n\r")
        try:
            value, end = _scan(text, 0)
        except (StopIteration, SystemError):  # CPython 3.11 raises the latter unless `json.decoder` is loaded
            value, end = None, -1
        if end != len(text):
            message = "not one JSON value"
            raise ValueError(message)
        return value

    def dumps(value: object, *, ascii_only: bool = True, indented: bool = False) -> str:
        """A value as text, as `json.dumps` writes it.

        Args:
            value: dicts with str keys, lists, texts, numbers, bools and None.
            ascii_only: whether every other character is escaped.
            indented: whether each item has a line of its own, indented by two spaces a level.

        Raises:
            TypeError: the value, or a part of it, has no form in JSON.
            ValueError: a number is NaN or infinite.
        """
        text = encode_basestring_ascii if ascii_only else encode_basestring
        encode = make_encoder({}, _refuse, text, None, ": ", ", ", False, False, False)

        def flat(part: object) -> str:
            return "".join(encode(part, 0))

        return _indented(value, flat, "\n") if indented else flat(value)


def _indented(value: object, flat: Callable[[object], str], line: str) -> str:
    """A value with a line for each item; `line` begins a line at the present depth."""
    if not value or not isinstance(value, dict | list):
        return flat(value)
    deeper = line + INDENT
    if isinstance(value, dict):
        items = [f"{flat(name)}: {_indented(item, flat, deeper)}" for name, item in value.items()]
        return "{" + deeper + f",{deeper}".join(items) + line + "}"
    return "[" + deeper + f",{deeper}".join([_indented(item, flat, deeper) for item in value]) + line + "]"
