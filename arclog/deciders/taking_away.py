"""Taking away: an operator frees what another agent holds, and that agent is told."""

from collections.abc import Sequence

from arclog.events import DIRECT_CHANNEL, Notice
from arclog.events.leases import Noun

MAX_NAMED = 5
"""Names in the text of a notice; what it leaves out is counted."""


def tell_holder(noun: Noun, names: Sequence[str], holder: str, operator: str, why: str) -> Notice | None:
    """The message to an agent from which something was taken; None where it did so itself.

    Args:
        noun: what kind of lease it was.
        names: what it was on.
        holder: who had it.
        operator: who took it.
        why: what that one said.
    """
    if holder == operator:
        return None
    what = "lock on" if noun == "lock" else "claim"
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    body = f"{operator} took your {what} {', '.join(names[:MAX_NAMED])}{more}: {why}"
    return Notice(body=body, channel=DIRECT_CHANNEL, to_agent=holder, metadata={"taken_by": operator, "noun": noun})
