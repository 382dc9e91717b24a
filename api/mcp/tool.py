"""A tool as data, and its arguments as JSON Schema."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from api.mcp.answers import Answer
from api.mcp.arguments import ArgumentReader
from api.mcp.asking_agent import AskingAgent
from arclog.deciders.preconditions import FIELDS as PRECONDITIONS
from arclog.events import JsonObject

A = TypeVar("A", bound=Struct)

ALWAYS_LOADED: Final = {"anthropic/alwaysLoad": True}
"""What keeps a host that shows tools only when they are searched for from hiding this one."""


class Tool(Struct, Generic[A], frozen=True, kw_only=True):
    """A tool.

    Attributes:
        name: its name, never to be changed.
        does: what it does, for the model; hosts find tools by its words.
        arguments: a Struct.
        run: does it.
        reads: whether it changes nothing; hosts may then run it without asking.
        waits: whether it may wait for others.
        relies: whether its description shows what it may rely on, as what any change takes.
        core: whether an agent needs it at once, so that hosts are asked to show it always.
    """

    name: str
    does: str
    arguments: type[A]
    run: Callable[[AskingAgent, A], Awaitable[Answer]]
    reads: bool = False
    waits: bool = False
    relies: bool = False
    core: bool = False

    def describe(self) -> JsonObject:
        """The tool as `tools/list` has it."""
        hint = {"readOnlyHint": True} if self.reads else {"destructiveHint": False}
        described: JsonObject = {
            "name": self.name,
            "description": self.does,
            "inputSchema": _relying(schema(self.arguments)) if self.relies else schema(self.arguments),
            "annotations": hint,
        }
        if self.core:
            described["_meta"] = ALWAYS_LOADED
        return described

    async def call(self, agent: AskingAgent, arguments: JsonObject) -> Answer:
        """Do it.

        Raises:
            InvalidInput: an argument is missing, unknown, or of the wrong type.
            HubRefused: the hub refused.
        """
        if not self.reads:
            agent.relies_on = {name: arguments[name] for name in PRECONDITIONS if name in arguments}
            arguments = {name: value for name, value in arguments.items() if name not in PRECONDITIONS}
        return await self.run(agent, _reader(self.name, self.arguments).read(arguments))


class NoArguments(Struct, frozen=True):
    """Nothing to say."""


@cache
def _reader(tool: str, arguments: type[A]) -> ArgumentReader[A]:
    return ArgumentReader(tool, arguments)


def schema(arguments: type[Struct]) -> JsonObject:
    """The JSON Schema of a tool's arguments; that those with a default may be null goes without saying."""
    made: JsonObject = msgspec.json.schema(arguments)["$defs"][arguments.__name__]
    properties = {name: _short(one) for name, one in made["properties"].items()}
    short: JsonObject = {"type": "object", "properties": properties}
    if made["required"]:
        short["required"] = made["required"]
    return short


def _relying(described: JsonObject) -> JsonObject:
    """The same with what any change may rely on; what that is, the instructions tell once for all."""
    relying = {name: {"type": "object"} for name in PRECONDITIONS}
    return {**described, "properties": {**described["properties"], **relying}}


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
