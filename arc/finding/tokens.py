"""The token that a hub wants of calls from other machines, and where a client finds it.

1. the one that was given
2. `ARC_TOKEN` in the environment
3. the file that `ARC_TOKEN_FILE` in the environment names
4. for the hub of a storage: the file beside it, `.NAME.token`, which the hub made when it first took such calls

A file counts only if it is this user's own.
"""

from __future__ import annotations

import os

from arc.finding.repository import is_mine

VARIABLE = "ARC_TOKEN"
FILE_VARIABLE = "ARC_TOKEN_FILE"
MAX_BYTES = 4096
MIN_CHARS = 16


class BadTokenError(Exception):
    """A token, or its file, cannot be used; `str(error)` says why."""


def token_file(storage: str) -> str:
    """Where the token of a storage's hub is kept."""
    folder, name = os.path.split(storage)
    return os.path.join(folder, f".{name}.token")


def find_token(storage: str | None = None) -> str | None:
    """The token for a hub, if there is one.

    Args:
        storage: the hub's database, where it is known.

    Raises:
        BadTokenError: the environment gives what cannot be used.
    """
    token = os.environ.get(VARIABLE)
    if token:
        return check_token(token.strip(), VARIABLE)
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return read_token(named)
    if storage is None:
        return None
    file = token_file(storage)
    try:
        return read_token(file) if is_mine(os.stat(file)) else None
    except (OSError, BadTokenError):
        return None


def read_token(file: str) -> str:
    """The token that a file holds.

    Raises:
        BadTokenError: it cannot be read, or holds none.
    """
    try:
        with open(file, "rb") as opened:
            content = opened.read(MAX_BYTES)
    except OSError as error:
        message = f"the token's file {file} cannot be read: {error.strerror or error}"
        raise BadTokenError(message) from None
    return check_token(content.decode("latin-1").strip(), file)


def check_token(token: str, source: str) -> str:
    """A token as it can stand in a header.

    Raises:
        BadTokenError: it cannot; the message does not show it.
    """
    if len(token) < MIN_CHARS or any(not "!" <= char <= "~" for char in token):
        message = f"{source} holds no token: it must be at least {MIN_CHARS} visible ASCII characters without spaces"
        raise BadTokenError(message)
    return token


def authorization(token: str | None) -> dict[str, str]:
    """The header that carries a token."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}
