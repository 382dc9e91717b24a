"""Claude Code, and programs that took over the form of its hooks (code.claude.com/docs/en/hooks, seen on 2.1.332)."""

from typing import Final

from api.hooks.calls import Body, HookCall, HookReply, Moment, text_of
from api.hooks.tools import read_tool
from projections.encoding import encode_json

HOST: Final = "claude"
"""The first part of the name of its agents."""
BY_PROCESS: Final = False
"""Whether a window is told by its process rather than by the id of its session."""
MOMENTS: Final[dict[str, Moment]] = {
    "SessionStart": "session_start",
    "UserPromptSubmit": "prompt",
    "PreToolUse": "before",
    "PostToolUse": "after",
    "Stop": "turn_end",
    "SessionEnd": "session_end",
    "SubagentStart": "sub_agent_start",
    "SubagentStop": "sub_agent_end",
}


def read(body: Body) -> HookCall:
    """What a call means."""
    return read_as(MOMENTS, body)


def read_as(moments: dict[str, Moment], body: Body) -> HookCall:
    """What a call in this form means, with the events called otherwise."""
    event, sub_agent = text_of(body, "hook_event_name"), text_of(body, "agent_id")
    return HookCall(
        moment=moments.get(event, "other"),
        event=event,
        session=text_of(body, "session_id"),
        folder=text_of(body, "cwd"),
        tool=read_tool(body),
        goes_on=body.get("stop_hook_active") is True,
        source=text_of(body, "source", "reason"),
        sub_agent="" if sub_agent == text_of(body, "session_id") else sub_agent,
        sub_agent_kind=text_of(body, "agent_type"),
    )


def answer(call: HookCall, reply: HookReply) -> bytes:
    """The answer: nothing, or one of two forms.

    No key beside these: where this form is read strictly, one that is not known lets the tool run.
    """
    reason = reply.refusal or reply.go_on
    if reason:
        return encode_json({"decision": "block", "reason": reason})
    if reply.context:
        said = {"hookEventName": call.event, "additionalContext": reply.context}
        return encode_json({"hookSpecificOutput": said})
    return b""
