"""A tool as data, and its arguments as JSON Schema."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from api.http.bodies import BodyReader
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer
from arclog.events import JsonObject

A = TypeVar("A", bound=Struct)


class Tool(Struct, Generic[A], frozen=True, kw_only=True):
    """A tool.

    Attributes:
        name: its name, never to be changed.
        does: what it does, for the model.
        arguments: a Struct that refuses unknown fields.
        run: does it.
        reads: whether it changes nothing; hosts may then run it without asking.
    """

    name: str
    does: str
    arguments: type[A]
    run: Callable[[AgentSession, A], Awaitable[Answer]]
    reads: bool = False

    def describe(self) -> JsonObject:
        """The tool as `tools/list` has it."""
        hint = {"readOnlyHint": True} if self.reads else {"destructiveHint": False}
        return {
            "name": self.name,
            "description": self.does,
            "inputSchema": schema(self.arguments),
            "annotations": hint,
        }

    async def call(self, session: AgentSession, arguments: JsonObject) -> Answer:
        """Do it.

        Raises:
            InvalidInput: an argument is missing, unknown, or of the wrong type.
            Refused: the hub refused.
        """
        return await self.run(session, _reader(self.arguments).read(msgspec.json.encode(arguments)))


class NoArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say."""


@cache
def _reader(arguments: type[A]) -> BodyReader[A]:
    return BodyReader(arguments)


def schema(arguments: type[Struct]) -> JsonObject:
    """The JSON Schema of a tool's arguments; that those with a default may be null goes without saying."""
    made: JsonObject = msgspec.json.schema(arguments)["$defs"][arguments.__name__]
    properties = {name: _short(one) for name, one in made["properties"].items()}
    short: JsonObject = {"type": "object", "properties": properties}
    if made["required"]:
        short["required"] = made["required"]
    return short


def _short(one: dict[str, Any]) -> JsonObject:
    short = dict(one)
    if short.get("default", ...) is None:
        del short["default"]
    options = short.pop("anyOf", None)
    if options is not None:
        short |= options[0]
    if "enum" in short:
        short.setdefault("type", "string")
    return short
