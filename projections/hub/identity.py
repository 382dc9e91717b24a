"""Whether a call is from whom it says, judged in its transaction, so that all hubs on a log agree."""

from typing import Final

from arclog.deciders.claims import ForceReleaseClaim
from arclog.deciders.hub import CancelShutdown, ChangeNetwork, InitiateShutdown
from arclog.deciders.locks import ForceReleaseLock
from arclog.deciders.log import EraseTexts
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.deciders.tokens import IssueToken, RevokeToken, check_operator, check_sender
from projections import sessions
from projections.hub.calls import Call
from projections.hub.context import Context
from projections.intervals import AsOf

FOR_OPERATORS: Final[frozenset[type]] = frozenset(
    {
        InitiateShutdown,
        CancelShutdown,
        ChangeNetwork,
        ForceReleaseClaim,
        ForceReleaseLock,
        IssueToken,
        RevokeToken,
        EraseTexts,
    }
)
OURS_ALONE: Final = (IssueToken, RevokeToken, EraseTexts)
"""What of it, while nobody holds an operator's token, only this machine may do."""


def check_identity(context: Context, call: Call, at: AsOf) -> None:
    """Let a call pass that is from whom it says, and may be made by it; while nobody holds a token, most need no look.

    Raises:
        Forbidden: it is not, or may not.
    """
    principal, command = call.principal, call.command
    if call.transport == "hub":
        return
    holders = context.holders
    if type(command) in FOR_OPERATORS:
        check_operator(holders, principal, strict=isinstance(command, OURS_ALONE))
    if principal is None and not holders.bound:
        return
    sender = call.sender
    if isinstance(command, CloseSession):
        live = context.snapshot.read(sessions.find_live_by_id, command.session_id)
        sender = sender if live is None else live.agent_id
    check_sender(holders, sender, principal)
    if isinstance(command, OpenSession) and command.parent is not None:
        check_sender(holders, command.parent.strip(), principal)
