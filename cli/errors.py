"""The one error of the command, and how errors are told."""


class CommandFailed(Exception):
    """What was asked for cannot be done; `str(error)` says why and what to do, in one line."""


def in_words(error: Exception) -> str:
    """What an error says to a person."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
