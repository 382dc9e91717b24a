"""Cursor (cursor.com/docs/hooks as of October 2026; not tried on the real program)."""

from typing import Final

from api.hooks.calls import Body, HookCall, HookReply, Moment, text_of
from api.hooks.tools import read_tool
from projections.encoding import encode_json

HOST: Final = "cursor"
BY_PROCESS: Final = True
MOMENTS: Final[dict[str, Moment]] = {
    "sessionStart": "session_start",
    "preToolUse": "before",
    "postToolUse": "after",
    "stop": "turn_end",
    "sessionEnd": "session_end",
}


def read(body: Body) -> HookCall:
    """What a call means."""
    event = text_of(body, "hook_event_name")
    roots = body.get("workspace_roots")
    folder = text_of(body, "cwd")
    if not folder and isinstance(roots, list) and roots and isinstance(roots[0], str):
        folder = roots[0]
    looped = body.get("loop_count")
    return HookCall(
        moment=MOMENTS.get(event, "other"),
        event=event,
        session=text_of(body, "conversation_id"),
        folder=folder,
        tool=read_tool(body),
        goes_on=isinstance(looped, int) and looped > 0,
    )


def answer(call: HookCall, reply: HookReply) -> bytes:
    """The answer."""
    if reply.refusal:
        said = {"user_message": reply.refusal, "agent_message": reply.refusal}
        return encode_json({"permission": "deny", **said})
    if reply.go_on:
        return encode_json({"followup_message": reply.go_on})
    return encode_json({"additional_context": reply.context}) if reply.context else b""
