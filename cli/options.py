"""Options that several commands share, with the defaults of Arc 0.1.1."""

import argparse
import math
from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 6969
DEFAULT_STORAGE: Final = "arc.sqlite3"
DEFAULT_SPOOL: Final = ".arc-relay"
DEFAULT_URL: Final = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
HIGHEST_PORT: Final = 65_535
MIN_PRESENCE_TTL_SEC: Final = 5
MAX_COUNT: Final = 2**53 - 1
"""The greatest number that every reader of JSON keeps."""
MAX_PAGE: Final = 500
"""How many rows a hub gives in one answer."""
OWNER: Final = 0o700
"""What the hub itself needs of a folder."""
ALL_MODES: Final = 0o7777


class StorageOptions(argparse.Namespace):
    """Which storage a command is about."""

    storage: str


class PlaceOptions(StorageOptions):
    """Which hub a command is about."""

    host: str
    port: int


class SpoolOptions(argparse.Namespace):
    """Where the relay's files are, and who may touch them."""

    spool_dir: str
    spool_mode: int


class HubOptions(PlaceOptions, SpoolOptions):
    """How a hub is to be run."""

    allow_remote: bool
    max_body_chars: int
    max_attachment_chars: int
    max_attachments: int
    presence_ttl_sec: float


class AgentOptions(argparse.Namespace):
    """Who speaks to which hub."""

    agent: str
    base_url: str


def add_hub_options(parser: argparse.ArgumentParser) -> None:
    """Declare `HubOptions`."""
    add_place_options(parser)
    add_spool_options(parser)
    parser.add_argument("--allow-remote", action="store_true", help="let other machines call; needs a --host of theirs")
    limits = parser.add_argument_group("limits of a message")
    for name, default, what in (
        ("--max-body-chars", 128_000, "characters in the body"),
        ("--max-attachment-chars", 256_000, "characters of JSON in one attachment"),
        ("--max-attachments", 32, "attachments"),
    ):
        limits.add_argument(name, type=count, default=default, metavar="N", help=f"{what} (%(default)s)")
    parser.add_argument(
        "--presence-ttl-sec",
        type=_presence_ttl,
        default=120.0,
        metavar="SEC",
        help="how long an agent may be silent before its session ends, at least 5 (120)",
    )


def hub_arguments(options: HubOptions) -> list[str]:
    """The arguments that run a hub in the foreground with these options."""
    arguments = ["--host", options.host, "--port", str(options.port), "--storage", options.storage]
    arguments += ["--spool-dir", options.spool_dir, "--max-body-chars", str(options.max_body_chars)]
    arguments += ["--max-attachment-chars", str(options.max_attachment_chars)]
    arguments += ["--max-attachments", str(options.max_attachments)]
    arguments += ["--presence-ttl-sec", str(options.presence_ttl_sec), "--spool-mode", f"{options.spool_mode:o}"]
    return [*arguments, "--allow-remote"] if options.allow_remote else arguments


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Declare `PlaceOptions`."""
    parser.add_argument("--host", default=DEFAULT_HOST, help="the address that the hub listens on (%(default)s)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="its port (%(default)s)")
    add_storage_option(parser)


def add_storage_option(parser: argparse.ArgumentParser) -> None:
    """Declare `StorageOptions`."""
    parser.add_argument("--storage", default=DEFAULT_STORAGE, metavar="FILE", help="the hub's database (%(default)s)")


def add_spool_options(parser: argparse.ArgumentParser) -> None:
    """Declare `SpoolOptions`."""
    parser.add_argument("--spool-dir", default=DEFAULT_SPOOL, metavar="DIR", help="the relay's folder (%(default)s)")
    parser.add_argument(
        "--spool-mode", type=_mode, default=OWNER, metavar="MODE", help="permissions of that folder, in octal (700)"
    )


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Declare `AgentOptions`."""
    parser.add_argument(
        "--agent", required=True, metavar="ID", help="who speaks; registered, in place of a session it has"
    )
    add_base_url(parser)


def add_base_url(parser: argparse.ArgumentParser) -> None:
    """Declare `--base-url`."""
    parser.add_argument("--base-url", default=DEFAULT_URL, metavar="URL", help="where the hub listens (%(default)s)")


def seconds(text: str) -> float:
    """A duration of the command line.

    Raises:
        argparse.ArgumentTypeError: it is no number from 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _mode(text: str) -> int:
    try:
        value = int(text, 8)
    except ValueError:
        value = 0
    if value > ALL_MODES or value & OWNER != OWNER:
        raise argparse.ArgumentTypeError(f"{text} gives no permissions for a folder of yours: write 700 or 770, say")
    return value


def _presence_ttl(text: str) -> float:
    value = seconds(text)
    if value < MIN_PRESENCE_TTL_SEC:
        raise argparse.ArgumentTypeError(f"must be at least {MIN_PRESENCE_TTL_SEC} seconds, not {text}")
    return value


def _port(text: str) -> int:
    value = _integer(text)
    if not 0 <= value <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port: it must be from 0 to {HIGHEST_PORT}")
    return value


def count(text: str) -> int:
    """A number of things on the command line, or the id of an event.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 1 to `MAX_COUNT`.
    """
    return _between(1, text, MAX_COUNT)


def cursor(text: str) -> int:
    """An id after which to go on; 0 is before all.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 0 to `MAX_COUNT`.
    """
    return _between(0, text, MAX_COUNT)


def page_size(text: str) -> int:
    """How many rows a hub is asked for in one answer.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 1 to `MAX_PAGE`.
    """
    return _between(1, text, MAX_PAGE)


def moment(text: str) -> str:
    """A moment on the command line: an event id, or a time with its zone.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    if text.isascii() and text.isdigit():
        return str(cursor(text))
    from datetime import datetime

    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be an event id or a time such as 2026-11-22T12:00:00Z, not {text!r}")


def _between(least: int, text: str, most: int) -> int:
    value = _integer(text)
    if value < least:
        raise argparse.ArgumentTypeError(f"must be at least {least}, not {text}")
    if value > most:
        raise argparse.ArgumentTypeError(f"must be at most {most}, not {text}")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
