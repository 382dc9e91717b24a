"""The one error of the command."""


class CommandFailed(Exception):
    """What was asked for cannot be done; `str(error)` says why and what to do, in one line."""
