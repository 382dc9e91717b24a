"""Gemini CLI (docs/hooks/reference.md, seen on 0.61.0).

Its MCP servers learn no id of the session, so a window is told by its process.
"""

from typing import Final

from api.hooks.calls import Body, HookCall, HookReply, Moment
from api.hooks.claude_code import answer as answer_as_claude
from api.hooks.claude_code import read_as

HOST: Final = "gemini"
BY_PROCESS: Final = True
MOMENTS: Final[dict[str, Moment]] = {
    "SessionStart": "session_start",
    "BeforeAgent": "prompt",
    "BeforeTool": "before",
    "AfterTool": "after",
    "AfterAgent": "turn_end",
    "SessionEnd": "session_end",
}


def read(body: Body) -> HookCall:
    """What a call means."""
    return read_as(MOMENTS, body)


def answer(call: HookCall, reply: HookReply) -> bytes:
    """The answer; `block` is the same as its own `deny`."""
    return answer_as_claude(call, reply)
