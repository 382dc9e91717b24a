"""A tool's arguments, read strictly, but as JSON Schema has them."""

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
        self._names = [field.encode_name for field in info.fields]
        self._take = BodyReader(arguments).take

    def read(self, given: JsonObject) -> A:
        """The arguments that were given; null counts as left out where there is a default.

        Raises:
            InvalidInput: one is missing, unknown, or of the wrong type.
        """
        for name in given:
            if name not in self._names:
                known = ", ".join(self._names) or "none"
                raise InvalidInput(name, f"is not an argument of {self._tool}, which takes {known}")
        return self._take(given)
