"""The one error of the command, and how errors are told."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NO_HUB: Final = "; if no hub runs there, start one with: arc ensure; to name another, use --base-url"
BY_RELAY: Final = (
    "; from a sandbox without a network, go over the relay that serves {spool}: arc help use-from-a-sandbox; "
    "elsewhere start a hub with: arc ensure"
)


class CommandFailed(Exception):
    """What was asked for cannot be done; `str(error)` says why and what to do, in one line."""


class WrongArguments(CommandFailed):
    """The arguments do not fit together; `str(error)` says which and what to write instead."""


def in_words(error: Exception) -> str:
    """What an error says to a person."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if getattr(error, "code", None) == "connection_lost":  # the client's word for: nobody listens there
        return f"{error}{_how_to_reach_one()}"
    if getattr(error, "advice", None) is not None:
        from api.hints import tell
        from arclog.errors import ArcError

        if isinstance(error, ArcError):  # the client's own error was told by the hub already
            return tell(error)
    return str(error)


def _how_to_reach_one() -> str:
    """What to do where no hub can be reached."""
    from arc.finding.relays import find_relay
    from arc.finding.storage import Project, working_directory

    spool = find_relay(Project(working_directory()))
    return NO_HUB if spool is None else BY_RELAY.format(spool=spool)
