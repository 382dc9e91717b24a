"""What a client means that writes JSON otherwise than the decoder takes it: as JSON Schema has it, and Arc 0.1.1 had.

A null stands for a field that was left out, where the field has a default; `5.0` is an integer. This is looked at only
after the decoder has refused a value, so it costs accepted requests nothing.
"""

from typing import Any

from msgspec import inspect

from api.http.mismatches import MAX_ITEMS

Json = Any
"""A decoded JSON value."""


def as_meant(kind: inspect.Type, value: Json) -> Json:
    """A value as its type wants it, as far as its client can have meant that; whatever else is wrong stays as it is.

    Args:
        kind: the type, from `msgspec.inspect.type_info`.
        value: as JSON has it.
    """
    match kind:
        case inspect.Metadata():
            return as_meant(kind.type, value)
        case inspect.IntType() if isinstance(value, float) and value.is_integer():
            return int(value)
        case inspect.ListType() if isinstance(value, list) and len(value) <= MAX_ITEMS:
            return [as_meant(kind.item_type, item) for item in value]
        case inspect.StructType() if isinstance(value, dict):
            return _object_as_meant(kind, value)
        case inspect.UnionType():
            return _one_as_meant(kind, value)
    return value


def _object_as_meant(kind: inspect.StructType, value: dict[str, Json]) -> dict[str, Json]:
    fields = {field.encode_name: field for field in kind.fields}
    return {
        name: as_meant(fields[name].type, given) if name in fields else given
        for name, given in value.items()
        if given is not None or name not in fields or fields[name].required
    }


def _one_as_meant(kind: inspect.UnionType, value: Json) -> Json:
    """The same of a value that may be of several types; which object is meant, its tag tells."""
    members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    for member in members:
        if isinstance(member, inspect.StructType) and len(members) > 1:
            if isinstance(value, dict) and value.get(member.tag_field or "") == member.tag:
                return as_meant(member, value)
        elif not (isinstance(value, float) and any(isinstance(one, inspect.FloatType) for one in members)):
            value = as_meant(member, value)
    return value
