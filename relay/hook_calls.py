"""A harness's hook over the relay: carried at once and once, or refused.

A hook tells what happens now, and its harness waits for seconds. So it has no key under which the hub would do it once:
it is refused where nobody waits for its answer any more, or where the hub may have been asked before. It holds what the
agent edits and runs, which nobody is to keep: of its request a digest stays.
"""

import time
from collections.abc import Mapping
from typing import Final

from relay.agent_folder import AgentFolder
from relay.envelope import CONFLICT, UNAVAILABLE, Refused, Request
from relay.files import TAKEN, stem_of
from relay.send import HubUnreachable, Send

NOTHING: Final = b"{}"
"""What stands in a response for a hook that the hub answers with nothing."""


def check_hook(folder: AgentFolder, name: str, hook: Request, within_sec: float) -> Request | Refused:
    """A hook that was taken, or why it comes too late.

    Args:
        folder: where it was taken.
        name: the name under which it was found; `.work` where a relay that died had taken it.
        hook: what is asked for.
        within_sec: how long its file may have lain there.
    """
    stem = stem_of(name)
    if name.endswith(TAKEN):
        problem = "a relay that died had taken this hook, and the hub is not asked about one twice"
    elif time.time() - folder.mark(stem + TAKEN)[2] / 1e9 > within_sec:
        problem = f"this hook is older than {within_sec:g} s, and nobody waits for its answer any more"
    else:
        return hook
    folder.seal(stem)
    return Refused(problem, status=CONFLICT, request_id=hook.request_id)


async def ask_once(send: Send, hook: Request, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """The hub's answer to a hook.

    Raises:
        Refused: with 503; the hub gave none.
    """
    try:
        status, answer = await send(hook.method, hook.path, hook.encode_body(), headers)
    except HubUnreachable as error:
        raise Refused(f"{error}; it is not asked about a hook again", status=UNAVAILABLE) from None
    return status, answer or NOTHING
