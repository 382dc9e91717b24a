"""`arc claim`: ask for a piece of work."""

from __future__ import annotations

from cli.arguments import Arguments
from cli.leases.asking import AskOptions, add_ask_options, tell_asked, with_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient


class Options(AskOptions):
    """Which piece of work."""

    key: str
    thread_id: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("key", metavar="KEY", help="the name of the work, such as task-42")
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    add_ask_options(parser)


def run(options: Options) -> int:
    """Ask for the claim; 0 when it is the agent's, 75 when something is in the way."""

    def ask(client: ArcClient) -> int:
        required = {"owner_agent_id": options.agent, "claim_key": options.key, "ttl_sec": options.ttl}
        fields = {"thread_id": options.thread_id}
        return tell_asked(options, client.ask("claims", required, fields, options.wait), "claim")

    return with_client(options, [options.key], ask)
