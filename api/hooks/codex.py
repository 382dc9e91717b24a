"""Codex CLI (developers.openai.com/codex/hooks, seen on 0.171.0).

Its form is that of Claude Code, read more strictly: one key that it does not know, and the tool runs. A patch comes as
the tool `apply_patch`, or, from models that lack it, as a here-document in the shell, which `shell/` reads.
"""

from typing import Final

from msgspec.structs import replace

from api.hooks.calls import Body, HookCall, HookReply
from api.hooks.claude_code import MOMENTS, read_as
from api.hooks.claude_code import answer as answer_as_claude

HOST: Final = "codex"
BY_PROCESS: Final = False


def read(body: Body) -> HookCall:
    """What a call means. A sub-agent sends its parent's session, and its own thread as `agent_id`."""
    # Its MCP server knows nothing of its kind, so that is no part of its name.
    return replace(read_as(MOMENTS, body), sub_agent_kind="")


def answer(call: HookCall, reply: HookReply) -> bytes:
    """The answer; nothing is put before a sub-agent, since it is not known to take that at its beginning."""
    if call.moment == "sub_agent_start":
        return b""
    return answer_as_claude(call, reply)
