"""`arc poll`: the messages that an agent may see, a JSON line each."""

from __future__ import annotations

from cli.agent import speak
from cli.arguments import Arguments
from cli.options import AgentOptions, add_agent_options, cursor, seconds
from cli.output import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient


class Options(AgentOptions):
    """Which messages, and how long to wait for the first."""

    channel: str | None
    thread_id: str | None
    timeout: float
    since_id: int
    include_self: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_agent_options(parser)
    parser.add_argument("--channel", help="only messages of this channel")
    parser.add_argument("--thread-id", metavar="ID", help="only messages of this thread")
    parser.add_argument(
        "--timeout", type=seconds, default=30.0, metavar="SEC", help="how long to wait when there are none (30)"
    )
    parser.add_argument("--since-id", type=cursor, default=0, metavar="ID", help="only messages after this id (0)")
    parser.add_argument("--include-self", action="store_true", help="also what the agent itself posted")


def run(options: Options) -> int:
    """Print a page of at most 100 messages; nothing when the time is over."""

    def poll(client: ArcClient) -> None:
        messages = client.events(
            channel=options.channel,
            thread_id=options.thread_id,
            since_id=options.since_id,
            timeout=options.timeout,
            exclude_self=not options.include_self,
        )
        for message in messages:
            print(to_json(message))

    return speak(options, poll)
