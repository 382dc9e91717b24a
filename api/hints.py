"""What somebody can do about an error, in the words of each carrier: the only place that knows them.

Below the carriers an error says what happened, and names its advice; which route, option or command that is, only
those know who can be told to use it.
"""

import re
from collections.abc import Mapping
from typing import Final

from arclog.errors import Advice, ArcError

HINTS: Final[Mapping[Advice, str]] = {
    "answer_question": "; a person does so with arc answer, or POST /v1/questions/ID/answer",
    "be_a_person": ": call as human, with an operator's token where there are any (arc token issue --operator)",
    "begin_again": " (see X-Arc-Instance); begin again, from 0 or from latest_visible_id",
    "cancel_shutdown": "; cancel it first with POST /v1/shutdown/cancel",
    "create_channel": "; create it first with POST /v1/channels",
    "create_log": ": make it first, as the owner of the database, with: arc log create --log URL",
    "cut_off": "; give --to {error.last} or less; arc log verify says more",
    "import_database": (
        ". Bring it into a new storage with: arc log import {error.path} --storage NEW, and go on with --storage NEW"
    ),
    "listen_elsewhere": "; restart it with: arc --host 0.0.0.0 --port {error.port} --allow-remote",
    "name_log": ": give it with --log, or make a log of its own from it with: arc log fork",
    "new_storage": ": name a new file with --storage",
    "other_storage": ": choose another file with --storage",
    "read_stream": " (GET /v1/log?stream={error.stream}&after={error.event_id} has it)",
    "restore_backup": ": restore a backup with: arc log restore",
    "restore_or_fork": ": use arc log restore, or arc log fork",
    "stop_users": ", or a reader such as arc log tail -f",
    "verify": ": see arc log verify",
}
"""For those who know routes and commands: callers over HTTP and the relay, and people at a terminal."""

TOOL_HINTS: Final[Mapping[str, str]] = {
    "create_channel": "; create it first with arc_create_channel",
    "read_stream": " (arc_history has it)",
}
"""For those who know tools, where that differs."""


def tell(error: ArcError) -> str:
    """What happened, and what to do about it."""
    if error.advice is None:
        return str(error)
    return str(error) + HINTS[error.advice].format(error=error)


def tell_tools(text: str, advice: str | None) -> str:
    """What `tell` said, for somebody who knows the hub by its tools.

    Args:
        text: what it said.
        advice: the error's advice, as the envelope of the hub's answer has it.
    """
    if advice is None or advice not in TOOL_HINTS:
        return text
    said = re.sub(r"\\\{[^}]*\\\}", ".*", re.escape(HINTS[advice]))  # type: ignore[index]  # its keys are advice
    hint = TOOL_HINTS[advice]
    return re.sub(said, lambda _said: hint, text)
