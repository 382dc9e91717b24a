"""The token that a hub wants of calls from other machines: given, or made when it is first needed.

Only its holder reads the file, and only a hash of the token goes further than this module.
"""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from arc.finding.repository import is_mine
from arc.finding.tokens import VARIABLE, BadTokenError, check_token, read_token, token_file
from cli.errors import CommandFailed
from cli.hubs.settings import HubSettings

OTHERS: Final = 0 if sys.platform == "win32" else 0o077


class NetworkToken(NamedTuple):
    """A token that is settled.

    Attributes:
        hash: what is kept of it.
        source: where a person finds it: a file, or `ARC_TOKEN`.
    """

    hash: bytes
    source: str


def settle_token(settings: HubSettings) -> NetworkToken | None:
    """The token of a hub; None when it takes no calls from other machines, or takes them without.

    Raises:
        CommandFailed: what was given cannot be used, or the file cannot be made.
    """
    if not settings.allow_remote or settings.no_auth:
        return None
    try:
        if settings.token_file:
            return _of_file(Path(settings.token_file))
        given = os.environ.get(VARIABLE, "").strip()
        if given:
            return NetworkToken(_hash_of(check_token(given, VARIABLE)), VARIABLE)
        file = Path(token_file(str(settings.storage)))
        with suppress(FileExistsError):
            _make(file)
        return _of_file(file)
    except BadTokenError as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"the hub's token cannot be kept: {error}") from None


def source_of(settings: HubSettings) -> str | None:
    """Where the token of a hub that runs with `settings` is found; None where it wants none."""
    if not settings.allow_remote or settings.no_auth:
        return None
    if settings.token_file:
        return settings.token_file
    file = token_file(str(settings.storage))
    return VARIABLE if os.environ.get(VARIABLE) else file


def line_for_clients(url: str, source: str) -> str:
    """What to type on another machine before the first call there.

    Args:
        url: where the hub is for that machine.
        source: where the token is found.
    """
    where = "the hub's ARC_TOKEN" if source == VARIABLE else f"what is in {source}"
    return f"export ARC_URL={url} ARC_TOKEN='<{where}>'"


def _of_file(file: Path) -> NetworkToken:
    token = read_token(str(file))
    status = file.stat()
    if not is_mine(status):
        raise CommandFailed(f"the token's file {file} belongs to another user")
    if status.st_mode & OTHERS:
        raise CommandFailed(f"other users can read the token in {file}: chmod 600 {file}")
    return NetworkToken(_hash_of(token), str(file))


def _make(file: Path) -> None:
    """Make a token's file, whole or not at all; one that is there stays.

    Raises:
        FileExistsError: it is there.
    """
    if file.exists():
        raise FileExistsError(file)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(f"{secrets.token_urlsafe(32)}\n")
        os.link(unfinished, file)
    finally:
        unfinished.unlink()


def _hash_of(token: str) -> bytes:
    """What is kept of a token; `arc ensure` at a hub that runs needs nothing of the hub's own code."""
    from api.http.gate import hash_of

    return hash_of(token)
