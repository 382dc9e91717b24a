"""opencode (seen on 1.18.33): its plugin, which `arc setup opencode` writes, calls with a form of our own.

    {"event": "before", "sessionID": "…", "directory": "/…", "tool": "write", "args": {…}}

The plugin throws a `refusal`, which is how opencode refuses a tool, and adds a `context` to what the model reads next.
"""

from typing import Final

from api.hooks.calls import Body, HookCall, HookReply, Moment, text_of
from api.hooks.tools import read_tool
from projections.encoding import encode_json

HOST: Final = "opencode"
BY_PROCESS: Final = True
MOMENTS: Final[dict[str, Moment]] = {
    "start": "session_start",
    "prompt": "prompt",
    "before": "before",
    "after": "after",
    "idle": "turn_end",
}


def read(body: Body) -> HookCall:
    """What a call means."""
    event = text_of(body, "event")
    return HookCall(
        moment=MOMENTS.get(event, "other"),
        event=event,
        session=text_of(body, "sessionID"),
        folder=text_of(body, "directory"),
        tool=read_tool(body),
    )


def answer(call: HookCall, reply: HookReply) -> bytes:
    """The answer. A turn that is over cannot be made to go on from a plugin's event, so nothing is said then."""
    if reply.refusal:
        return encode_json({"refusal": reply.refusal})
    return encode_json({"context": reply.context}) if reply.context else b""
