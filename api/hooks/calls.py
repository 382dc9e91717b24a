"""A call of a hook as all harnesses mean it, and the reply to it."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

Moment = Literal[
    "session_start", "prompt", "before", "after", "turn_end", "session_end", "sub_agent_start", "sub_agent_end", "other"
]
"""When a hook runs: `before` and `after` a tool; `other` is of no concern here."""
Body = Mapping[str, Any]
"""What a harness sends, decoded."""


class Tool(Struct, frozen=True):
    """What a tool is about to do, or did.

    Attributes:
        name: as the harness calls it.
        writes: the files that it edits.
        reads: the files that it reads.
        command: what it gives to a shell.
    """

    name: str = ""
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    command: str | None = None


class HookCall(Struct, frozen=True):
    """A call of a hook.

    Attributes:
        moment: when.
        event: the same as the harness calls it.
        session: the harness's id of the window's session.
        folder: the folder that the window works in, absolute; empty where the harness does not say.
        tool: the tool that is about to run, or has run.
        goes_on: whether the turn went on already because a hook asked for it.
        source: why a session began or ended, as the harness says.
        sub_agent: the harness's id of the sub-agent that it is about; empty where that is the window's own agent.
        sub_agent_kind: what kind of sub-agent that is, as the harness calls it.
    """

    moment: Moment
    event: str = ""
    session: str = ""
    folder: str = ""
    tool: Tool = Tool()
    goes_on: bool = False
    source: str = ""
    sub_agent: str = ""
    sub_agent_kind: str = ""


class HookReply(Struct, frozen=True):
    """What a hook answers; nothing at all lets everything go its way.

    Attributes:
        refusal: why the tool must not run, and what to do instead.
        context: facts for the model.
        go_on: why the turn should not end yet.
    """

    refusal: str = ""
    context: str = ""
    go_on: str = ""


NOTHING = HookReply()


def text_of(body: Body, *names: str) -> str:
    """The first of some fields that holds a text; empty when none does."""
    for name in names:
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
