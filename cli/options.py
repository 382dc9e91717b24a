"""Options that several commands share, with the defaults of Arc 0.1.1."""

from __future__ import annotations

from arc.defaults import SPOOL_DIR
from arc.finding.kept_options import DEFAULTS
from arc.finding.storage import DEFAULT_NAME
from arc.urls import DEFAULT_HOST, DEFAULT_PORT, HIGHEST_PORT
from cli.arguments import Arguments, BadArgumentError, Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_COUNT: Final = 2**53 - 1
"""The greatest number that every reader of JSON keeps."""
INFINITE: Final = float("inf")
OWNER: Final = 0o700
"""What the hub itself needs of a folder."""
ALL_MODES: Final = 0o7777


class StorageOptions(Namespace):
    """Which storage a command is about; None is the folder's."""

    storage: str | None


class PlaceOptions(StorageOptions):
    """Which hub a command is about; None is what the storage keeps from before, or else the usual."""

    host: str | None
    port: int | None


class SpoolOptions(Namespace):
    """Where the relay's files are, and who may touch them."""

    spool_dir: str | None
    spool_mode: int | None


class HubOptions(PlaceOptions, SpoolOptions):
    """How a hub is to be run; None as above."""

    allow_remote: bool
    no_auth: bool
    token_file: str | None
    proxy_headers: str | None
    tls_cert: str | None
    tls_key: str | None
    max_body_chars: int | None
    max_attachment_chars: int | None
    max_attachments: int | None
    presence_ttl_sec: float | None
    root: str | None
    log_format: str | None
    rate: float | None
    max_connections: int | None
    max_open_calls: int | None
    secrets: str | None
    log: str | None


class AgentOptions(Namespace):
    """Who speaks to which hub; None is the agent of the window in whose shell this runs, and the hub of the folder."""

    agent: str | None
    base_url: str | None


class RegisteringOptions(AgentOptions):
    """The same of one that registers; `parent` is the agent whose sub-agent it is."""

    parent: str | None


def add_hub_options(parser: Arguments) -> None:
    """Declare `HubOptions`."""
    parser.add_argument("--host", help=f"the address that the hub listens on ({DEFAULT_HOST})")
    parser.add_argument(
        "--port", type=_port, help=f"the port that it listens on ({DEFAULT_PORT}, or the next free one)"
    )
    add_storage_option(parser)
    add_spool_options(parser)
    parser.add_argument(
        "--allow-remote", action="store_true", help="accept calls from other machines; needs a --host they can reach"
    )
    network = parser.add_argument_group("calls from other machines")
    network.add_argument(
        "--token-file",
        metavar="FILE",
        help="the file with the token that they need (ARC_TOKEN, else a file next to the storage, made on first use)",
    )
    network.add_argument("--no-auth", action="store_true", help="let them in without a token")
    network.add_argument(
        "--proxy-headers",
        metavar="ADDRESS",
        help="the proxy, or proxies separated by commas, whose X-Forwarded-For is trusted",
    )
    network.add_argument(
        "--rate",
        type=seconds,
        metavar="N",
        help="how many calls a second each sender on another machine may make, 0 for any number (100)",
    )
    network.add_argument(
        "--max-connections",
        type=limit,
        metavar="N",
        help="how many connections each address of another machine may have at a time, 0 for any number (1000)",
    )
    network.add_argument(
        "--max-open-calls",
        type=limit,
        metavar="N",
        help="how many waiting calls each sender there may have at a time, 0 for any number (1000)",
    )
    network.add_argument("--tls-cert", metavar="FILE", help="a certificate with its chain, which encrypts connections")
    network.add_argument("--tls-key", metavar="FILE", help="its key")
    limits = parser.add_argument_group("limits of a message")
    for name, what in (
        ("max_body_chars", "characters in the body"),
        ("max_attachment_chars", "characters of JSON in one attachment"),
        ("max_attachments", "attachments"),
    ):
        option = f"--{name.replace('_', '-')}"
        limits.add_argument(option, type=count, metavar="N", help=f"{what} ({DEFAULTS[name]})")
    parser.add_argument(
        "--presence-ttl-sec",
        type=_presence_ttl,
        metavar="SEC",
        help="how long an agent may be silent before its session ends, at least 5 (120)",
    )
    parser.add_argument(
        "--secrets",
        choices=("refuse", "mark", "off"),
        help="whether messages with private keys and access tokens are refused, only marked, or not looked at (refuse)",
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        help="how the hub's own output is written: a line of text for each thing, or a JSON object (text)",
    )
    parser.add_argument(
        "--root", metavar="DIR", help="the folder that lock paths are relative to (the top of the git repository here)"
    )
    add_log_option(parser)


def add_log_option(parser: Arguments) -> None:
    """Declare `--log`."""
    parser.add_argument(
        "--log",
        metavar="URL",
        help="a log that hubs on other machines share, postgresql://user@host/database, without a password (ARC_LOG); "
        "the storage is then this hub's copy of it",
    )


def add_place_options(parser: Arguments) -> None:
    """Declare `PlaceOptions`."""
    parser.add_argument("--host", help="the address of the hub (that of the storage's hub)")
    parser.add_argument("--port", type=_port, help="its port, where several hubs share the storage")
    add_storage_option(parser)


def add_storage_option(parser: Arguments) -> None:
    """Declare `StorageOptions`."""
    parser.add_argument("--storage", metavar="FILE", help=f"the hub's database (this folder's, {DEFAULT_NAME})")


def add_spool_options(parser: Arguments) -> None:
    """Declare `SpoolOptions`."""
    parser.add_argument("--spool-dir", metavar="DIR", help=f"the relay's folder ({SPOOL_DIR})")
    parser.add_argument("--spool-mode", type=_mode, metavar="MODE", help="permissions of that folder, in octal (700)")


def add_agent_options(parser: Arguments) -> None:
    """Declare `AgentOptions`."""
    parser.add_argument(
        "--agent",
        metavar="ID",
        help="the agent that speaks; it is registered, which replaces its session (the harness's window's own)",
    )
    add_parent(parser)
    add_base_url(parser)


def add_parent(parser: Arguments) -> None:
    """Declare of whom an agent that registers is a sub-agent."""
    parser.add_argument("--parent", metavar="ID", help="the agent whose sub-agent it is; --agent is then PARENT.NAME")


def add_actor_options(parser: Arguments) -> None:
    """Declare `AgentOptions` for what an agent does within the session that it has, if any."""
    parser.add_argument(
        "--agent",
        metavar="ID",
        help="the agent that acts; no session is opened or replaced (the harness's window's own)",
    )
    add_base_url(parser)


def add_base_url(parser: Arguments) -> None:
    """Declare `--base-url`."""
    parser.add_argument(
        "--base-url", metavar="URL", help="where the hub listens (ARC_URL, else the hub of this folder, else port 6969)"
    )


def seconds(text: str) -> float:
    """A duration of the command line.

    Raises:
        BadArgumentError: it is no number from 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < INFINITE:
        raise BadArgumentError(f"{text!r} is not a number of seconds")
    return value


def _mode(text: str) -> int:
    try:
        value = int(text, 8)
    except ValueError:
        value = 0
    if value > ALL_MODES or value & OWNER != OWNER:
        raise BadArgumentError(f"{text} gives no permissions for a folder of yours: write 700 or 770, say")
    return value


def _presence_ttl(text: str) -> float:
    from arclog.limits import MIN_PRESENCE_TTL_SEC

    value = seconds(text)
    if value < MIN_PRESENCE_TTL_SEC:
        raise BadArgumentError(f"must be at least {MIN_PRESENCE_TTL_SEC} seconds, not {text}")
    return value


def _port(text: str) -> int:
    value = _integer(text)
    if not 0 <= value <= HIGHEST_PORT:
        raise BadArgumentError(f"{text} is not a port: it must be from 0 to {HIGHEST_PORT}")
    return value


def count(text: str) -> int:
    """A number of things on the command line, or the id of an event.

    Raises:
        BadArgumentError: it is no whole number from 1 to `MAX_COUNT`.
    """
    return _between(1, text, MAX_COUNT)


def limit(text: str) -> int:
    """How many of something there may be at most; 0 for any number.

    Raises:
        BadArgumentError: it is no whole number from 0 to `MAX_COUNT`.
    """
    return _between(0, text, MAX_COUNT)


def counts(text: str) -> list[int]:
    """Ids with commas between them."""
    return [count(one) for one in names(text)]


def names(text: str) -> list[str]:
    """Names with commas between them.

    Raises:
        BadArgumentError: there is none.
    """
    found = [one.strip() for one in text.split(",") if one.strip()]
    if not found:
        raise BadArgumentError("must be names with commas between them")
    return found


def cursor(text: str) -> int:
    """An id after which to go on; 0 is before all.

    Raises:
        BadArgumentError: it is no whole number from 0 to `MAX_COUNT`.
    """
    return _between(0, text, MAX_COUNT)


def page_size(text: str) -> int:
    """How many rows a hub is asked for in one answer.

    Raises:
        BadArgumentError: it is no whole number from 1 to `MAX_PAGE_ROWS`.
    """
    from arclog.limits import MAX_PAGE_ROWS

    return _between(1, text, MAX_PAGE_ROWS)


def moment(text: str) -> str:
    """A moment on the command line: an event id, or a time with its zone.

    Raises:
        BadArgumentError: it is neither.
    """
    if text.isascii() and text.isdigit():
        return str(cursor(text))
    from datetime import datetime

    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise BadArgumentError(f"must be an event id or a time such as 2026-11-22T12:00:00Z, not {text!r}")


def _between(least: int, text: str, most: int) -> int:
    value = _integer(text)
    if value < least:
        raise BadArgumentError(f"must be at least {least}, not {text}")
    if value > most:
        raise BadArgumentError(f"must be at most {most}, not {text}")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadArgumentError(f"{text!r} is not a whole number") from None


def check_text(*texts: str) -> None:
    """Find what is not UTF-8 among arguments that are sent to a hub: JSON has no place for it.

    Raises:
        UnicodeEncodeError: one is not, as the command then tells.
    """
    for text in texts:
        text.encode()
