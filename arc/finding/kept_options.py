"""The port and the options that belong to a storage: what its hub was last run with, for its next start.

They are in a file beside the storage, `.NAME.options`. It counts only in the very folder that it was written in (whose
inode is in it): what comes with a copy, or with somebody's repository, opens no port and no folder here.
"""

from __future__ import annotations

import os

from arc.defaults import MAX_ATTACHMENT_CHARS, MAX_ATTACHMENTS, MAX_BODY_CHARS, PRESENCE_TTL_SEC, SPOOL_DIR
from arc.files import replace
from arc.finding.repository import is_mine
from arc.light_json import dumps, loads
from arc.urls import DEFAULT_HOST, DEFAULT_PORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_BYTES: Final = 65_536
DEFAULTS: Final[dict[str, object]] = {
    "host": DEFAULT_HOST,
    "port": DEFAULT_PORT,
    "allow_remote": False,
    "no_auth": False,
    "token_file": "",
    "proxy_headers": "",
    "tls_cert": "",
    "tls_key": "",
    "spool_dir": SPOOL_DIR,
    "spool_mode": 0o700,
    "max_body_chars": MAX_BODY_CHARS,
    "max_attachment_chars": MAX_ATTACHMENT_CHARS,
    "max_attachments": MAX_ATTACHMENTS,
    "presence_ttl_sec": PRESENCE_TTL_SEC,
    "root": "",
    "log_format": "text",
    "rate": 100.0,
    "max_connections": 1_000,
    "max_open_calls": 1_000,
    "secrets": "refuse",
    "log": "",
}
"""What is kept, and what holds where nothing is."""


def options_file(storage: str) -> str:
    """Where the options of a storage are kept."""
    folder, name = os.path.split(storage)
    return os.path.join(folder, f".{name}.options")


def read_options(storage: str) -> dict[str, object]:
    """The options that are kept for a storage, those alone that can be used."""
    try:
        inode = _inode_beside(storage)
        with open(options_file(storage), "rb") as file:
            if not is_mine(os.fstat(file.fileno())):
                return {}
            content = loads(file.read(MAX_BYTES))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or content.get("inode") != inode:
        return {}
    return {name: content[name] for name, usual in DEFAULTS.items() if type(content.get(name)) is type(usual)}


def write_options(storage: str, options: dict[str, object]) -> None:
    """Keep the options of a storage; whole or not at all.

    Raises:
        OSError: they cannot be written.
    """
    if read_options(storage) == options:
        return
    file = options_file(storage)
    unfinished = f"{file}.{os.getpid()}"
    text = dumps({"inode": _inode_beside(storage), **options}, indented=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
        kept.write(f"{text}\n")
    replace(unfinished, file)


def _inode_beside(storage: str) -> int:
    return os.stat(os.path.dirname(storage)).st_ino
