"""What the commands about claims and locks share: who asks, how a path is meant, and how an answer is told."""

from __future__ import annotations

from cli.agent import settle_agent
from cli.arguments import Arguments, Namespace
from cli.errors import in_words
from cli.options import add_base_url, check_text, seconds
from cli.output import print_error, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from arc import ArcClient

NOT_OURS: Final = 75
"""The exit code when another has it, or has it by now: EX_TEMPFAIL, try again later."""
TTL_SEC: Final = 300.0


class LeaseOptions(Namespace):
    """Who asks which hub, and how to print the answer; None is as in `cli.options.AgentOptions`."""

    agent: str | None
    base_url: str | None
    json: bool


class AskOptions(LeaseOptions):
    """How long a lease is to last, and how long to wait for it."""

    ttl: float
    wait: float


def add_lease_options(parser: Arguments) -> None:
    """Declare `LeaseOptions`."""
    parser.add_argument(
        "--agent",
        metavar="ID",
        help="the agent that asks; no session is opened for it (the harness's window's own)",
    )
    parser.add_argument("--json", action="store_true", help="the hub's answer, on one line")
    add_base_url(parser)


def add_ask_options(parser: Arguments) -> None:
    """Declare `AskOptions`."""
    add_lease_options(parser)
    parser.add_argument("--ttl", type=seconds, default=TTL_SEC, metavar="SEC", help="how long the lease lasts (300)")
    parser.add_argument("--wait", type=seconds, default=0.0, metavar="SEC", help="how long to wait for it (0)")


def with_client(options: LeaseOptions, names: Sequence[str], act: Callable[[ArcClient], int]) -> int:
    """Let an agent act without opening a session for it.

    Args:
        options: who asks which hub.
        names: what it is about.
        act: what is done.

    Returns:
        The exit code of `act`, 1 after a refusal that was printed.
    """
    from arc.client import ArcClient
    from arc.errors import ArcError

    check_text(*names, *(value for value in vars(options).values() if isinstance(value, str)))
    try:
        return act(ArcClient(settle_agent(options), options.base_url))
    except ArcError as error:
        print_error(in_words(error))
        return 1


def path_meant(text: str) -> str:
    """A path of the command line as the hub is to have it.

    Names are from the top of the repository, as everywhere; `./x` and `../x` are from the working directory.
    """
    if text in {".", ".."} or text.startswith(("./", "../")):
        import os

        from cli.paths import working_directory

        return os.path.normpath(working_directory() / text)
    return text


def tell_asked(options: LeaseOptions, envelope: dict[str, Any], noun: str) -> int:
    """Print what came of asking for a claim or a lock.

    Returns:
        0 when the agent has it, else `NOT_OURS`.
    """
    if options.json:
        print(to_json(envelope))
    elif envelope["acquired"]:
        for row in envelope.get("locks") or [envelope["result"]]:
            print(f"{name_of(row)}: yours until {row['expires_at']}, token {row['fencing_token']}")
    else:
        print(in_the_way(envelope, noun))
    return 0 if envelope["acquired"] else NOT_OURS


def name_of(row: dict[str, Any]) -> str:
    """What a lease is on, or a place is for; a path in full is told from the repository's top, if it lies there."""
    name: str = row.get("file_path") or row.get("claim_key") or row["name"]
    key: str = row.get("key") or ", ".join(row.get("keys", [name]))
    return key if _is_full(name) and not _is_full(key) else name


def _is_full(path: str) -> bool:
    return path.startswith("/") or path[1:3] in {":/", ":\\"}


def in_the_way(envelope: dict[str, Any], noun: str) -> str:
    """Why an agent has not got what it asked for, in words."""
    row = envelope["result"]
    holder = row.get("agent_id") or row["owner_agent_id"]
    does = "waits for" if row.get("waiting") else "holds"
    shared = ", shared," if row.get("mode") == "shared" else ""
    witness = row.get("witness")
    both = f" (both cover {witness})" if witness not in {None, name_of(row)} else ""
    left = ", and has left" if envelope.get("holder_left_at") else ""
    place = f"; you were number {envelope['position']} in the queue" if "position" in envelope else ""
    return f"not yours: {holder} {does} the {noun} {name_of(row)}{shared} until {row['expires_at']}{both}{left}{place}"
