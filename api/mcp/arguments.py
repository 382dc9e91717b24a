"""A tool's arguments, read strictly, but as JSON Schema has them: `5.0` is an integer."""

from typing import Generic, TypeVar

from msgspec import Struct, inspect

from api.http.bodies import BodyReader
from arclog.errors import InvalidInput
from arclog.events import JsonObject

A = TypeVar("A", bound=Struct)


class ArgumentReader(Generic[A]):
    """Makes the Struct of one tool out of what its callers send.

    Args:
        tool: the tool's name.
        arguments: the Struct.
    """

    def __init__(self, tool: str, arguments: type[A]) -> None:
        info = inspect.type_info(arguments)
        assert isinstance(info, inspect.StructType)
        self._tool = tool
        self._names = {field.encode_name: _is_integer(field.type) for field in info.fields}
        self._take = BodyReader(arguments).take

    def read(self, given: JsonObject) -> A:
        """The arguments that were given; null counts as left out where there is a default.

        Raises:
            InvalidInput: one is missing, unknown, or of the wrong type.
        """
        taken: JsonObject = {}
        for name, value in given.items():
            is_integer = self._names.get(name)
            if is_integer is None:
                raise InvalidInput(
                    name, f"is no argument of {self._tool}, which takes {', '.join(self._names) or 'none'}"
                )
            taken[name] = int(value) if is_integer and isinstance(value, float) and value.is_integer() else value
        return self._take(taken)


def _is_integer(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_is_integer(member) for member in kind.types)
    if isinstance(kind, inspect.Metadata):
        return _is_integer(kind.type)
    return isinstance(kind, inspect.IntType)
