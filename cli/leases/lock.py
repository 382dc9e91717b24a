"""`arc lock`: ask for the lock on files, folders or patterns."""

from __future__ import annotations

from cli.arguments import Arguments
from cli.leases.asking import AskOptions, add_ask_options, path_meant, tell_asked, with_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from arc import ArcClient


class Options(AskOptions):
    """What to lock, and how."""

    paths: list[str]
    shared: bool
    thread_id: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a folder or a pattern such as 'src/**', from the top of the repository; ./x from here",
    )
    parser.add_argument("--shared", action="store_true", help="share it with others that ask to share it")
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    add_ask_options(parser)


def run(options: Options) -> int:
    """Ask for all of the paths or none; 0 when they are the agent's, 75 when something is in the way."""

    def ask(client: ArcClient) -> int:
        paths = [path_meant(path) for path in options.paths]
        required: dict[str, Any] = {"agent_id": options.agent, "ttl_sec": options.ttl}
        fields: dict[str, Any] = {"mode": "shared" if options.shared else None}
        fields |= {"file_path": paths[0]} if len(paths) == 1 else {"paths": paths}
        fields["metadata"] = None if options.thread_id is None else {"thread_id": options.thread_id}
        return tell_asked(options, client.ask("locks", required, fields, options.wait), "lock on")

    return with_client(options, options.paths, ask)
