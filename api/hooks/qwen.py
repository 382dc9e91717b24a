"""Qwen Code (seen on 0.24.4): the form of Claude Code, with tools called as in Gemini CLI."""

from typing import Final

from msgspec.structs import replace

from api.hooks.calls import Body, HookCall, HookReply
from api.hooks.claude_code import MOMENTS, read_as
from api.hooks.claude_code import answer as answer_as_claude

HOST: Final = "qwen"
BY_PROCESS: Final = False


def read(body: Body) -> HookCall:
    """What a call means. `UserPromptSubmit` comes after every tool too, then with an empty prompt.

    A sub-agent's kind is said at its beginning and end alone, so that is no part of its name.
    """
    if body.get("hook_event_name") == "UserPromptSubmit" and not body.get("prompt"):
        return HookCall("other")
    return replace(read_as(MOMENTS, body), sub_agent_kind="")


def answer(call: HookCall, reply: HookReply) -> bytes:
    """The answer."""
    return answer_as_claude(call, reply)
