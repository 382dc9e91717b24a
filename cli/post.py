"""`arc post`: say something to everybody in a channel, or to one agent."""

from __future__ import annotations

from cli.agent import speak
from cli.arguments import Arguments
from cli.options import AgentOptions, add_agent_options
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from arc import ArcClient

KINDS: Final = ("artifact", "chat", "claim", "notice", "release", "task", "task_request", "task_result")


class Options(AgentOptions):
    """What is said, and to whom."""

    channel: str | None
    to: str | None
    kind: str
    thread_id: str | None
    body: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_agent_options(parser)
    parser.add_argument("--channel", help="where to post (general; with --to, direct)")
    parser.add_argument("--to", metavar="AGENT", help="the only agent that gets it")
    parser.add_argument("--kind", choices=KINDS, default="chat", help="the kind of message (%(default)s)")
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    parser.add_argument("body", metavar="BODY", help="the text")


def run(options: Options) -> int:
    """Post, and print the message as the hub keeps it."""
    channel = options.channel or ("general" if options.to is None else "direct")

    def post(client: ArcClient) -> None:
        message = client.post(
            channel, options.body, kind=options.kind, thread_id=options.thread_id, to_agent=options.to
        )
        print_json(message)

    return speak(options, post)
