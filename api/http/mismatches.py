"""Why a JSON value is not what a Struct wants, said by the name of the field and in the words of JSON.

The decoder refuses such a value too, but says so in a sentence. This walks the value beside the description of its type
until they part. It runs only after the decoder has refused, so it costs accepted requests nothing.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final

from msgspec import Struct, inspect

WHOLE: Final = "body"
"""What a request's JSON value as a whole is called."""
MAX_ITEMS: Final = 1_000
"""Items of a list that are looked at one by one; no list of a request may have more."""

Json = Any
"""A decoded JSON value."""


class Mismatch(Struct, frozen=True):
    """Where a value parts from its type.

    Attributes:
        field: the field, with a dot between those of nested objects.
        problem: what is wrong with it, to be read after the field's name.
    """

    field: str
    problem: str


def find_mismatch(kind: inspect.Type, value: Json, field: str = WHOLE) -> Mismatch | None:
    """The first place where a value is not of its type; None when there is none.

    Args:
        kind: the type, from `msgspec.inspect.type_info`.
        value: as JSON has it.
        field: what the value is called.
    """
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    match kind:
        case inspect.UnionType():
            return _find_in_union(kind, value, field)
        case inspect.StructType() if isinstance(value, dict):
            return _find_in_object(kind, value, field)
        case inspect.ListType() if isinstance(value, list):
            if len(value) > MAX_ITEMS:
                return Mismatch(field, f"must have at most {MAX_ITEMS} items, not {len(value)}")
            return _first(find_mismatch(kind.item_type, item, f"{field}[{at}]") for at, item in enumerate(value))
        case inspect.DictType() if isinstance(value, dict):
            return _first(find_mismatch(kind.value_type, item, f"{field}[...]") for item in value.values())
        case inspect.AnyType():
            return _find_number_out_of_range(value, field)
        case inspect.LiteralType():
            if value not in kind.values:
                return Mismatch(field, f"must be {' or '.join(map(repr, kind.values))}, not {value!r}")
        case _ if not _is_of(kind, value):
            return Mismatch(field, f"must be {_name_type(kind)}, not {_name_value(value)}")
        case inspect.IntType() | inspect.FloatType():
            return _find_out_of_bounds(kind, value, field)
    return None


def _find_in_union(kind: inspect.UnionType, value: Json, field: str) -> Mismatch | None:
    members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    if value is None and len(members) < len(kind.types):
        return None
    objects = [member for member in members if isinstance(member, inspect.StructType)]
    if isinstance(value, dict) and len(objects) > 1:
        return _find_in_tagged(objects, value, field)
    found = [find_mismatch(member, value, field) for member in members]
    if None in found:
        return None
    for member, mismatch in zip(members, found, strict=True):
        if _is_of(member, value):
            return mismatch
    return Mismatch(field, f"must be {' or '.join(dict.fromkeys(map(_name_type, members)))}, not {_name_value(value)}")


def _find_in_tagged(kinds: list[inspect.StructType], value: Mapping[str, Json], field: str) -> Mismatch | None:
    """What is wrong with an object that says by itself which of several types it is of."""
    name = kinds[0].tag_field or ""
    tag = value.get(name)
    for kind in kinds:
        if kind.tag == tag:
            return _find_in_object(kind, value, field)
    if name not in value:
        return Mismatch(_inside(field, name), "is required")
    choices = ", ".join(str(kind.tag) for kind in kinds)
    return Mismatch(_inside(field, name), f"must be one of {choices}, not {tag!r}")


def _find_in_object(kind: inspect.StructType, value: Mapping[str, Json], field: str) -> Mismatch | None:
    for wanted in kind.fields:
        name = _inside(field, wanted.encode_name)
        if wanted.encode_name not in value:
            if wanted.required:
                return Mismatch(name, "is required")
        elif (found := find_mismatch(wanted.type, value[wanted.encode_name], name)) is not None:
            return found
    if kind.forbid_unknown_fields:
        known = [wanted.encode_name for wanted in kind.fields]
        for unknown in value:
            if unknown not in known and unknown != kind.tag_field:
                return Mismatch(_inside(field, unknown), f"is not known here; known are: {', '.join(known)}")
    return None


def _find_out_of_bounds(kind: inspect.IntType | inspect.FloatType, value: float, field: str) -> Mismatch | None:
    if not isfinite(value):
        return Mismatch(field, "is a number out of range")
    if kind.ge is not None and value < kind.ge:
        return Mismatch(field, f"must be at least {kind.ge}, not {value}")
    if kind.le is not None and value > kind.le:
        return Mismatch(field, f"must be at most {kind.le}, not {value}")
    return None


def _find_number_out_of_range(value: Json, field: str) -> Mismatch | None:
    """The number that no float can keep, in a value of any type."""
    if isinstance(value, float) and not isfinite(value):
        return Mismatch(field, "is a number out of range")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return _first(_find_number_out_of_range(item, f"{field}[...]") for item in items)


def _first(found: Iterable[Mismatch | None]) -> Mismatch | None:
    return next((mismatch for mismatch in found if mismatch is not None), None)


def _inside(field: str, name: str) -> str:
    return name if field == WHOLE else f"{field}.{name}"


def _is_of(kind: inspect.Type, value: Json) -> bool:
    """Whether a value is of the JSON type that a type wants, whatever is inside it."""
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    match kind:
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
        case inspect.ListType():
            return isinstance(value, list)
        case inspect.NoneType():
            return value is None
        case _:
            return True  # the decoder knows more types than requests have


def _name_type(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    match kind:
        case inspect.StrType():
            return "a string"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "an integer"
        case inspect.FloatType():
            return "a number"
        case inspect.ListType():
            return "an array"
        case inspect.NoneType():
            return "null"
        case _:
            return "an object"


def _name_value(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a string"
        case int():
            return "an integer"
        case float():
            return "a number"
        case list():
            return "an array"
        case _:
            return "an object"
