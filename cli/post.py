"""`arc post`: say something to everybody in a channel, or to one agent."""

from __future__ import annotations

from cli.agent import speak
from cli.arguments import Arguments
from cli.options import RegisteringOptions, add_agent_options, count, seconds
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from arc import ArcClient

KINDS: Final = ("artifact", "chat", "claim", "notice", "release", "task", "task_request", "task_result")


class Options(RegisteringOptions):
    """What is said, and to whom."""

    channel: str | None
    to: str | None
    kind: str
    thread_id: str | None
    reply_to: int | None
    ack: bool
    ack_within: float | None
    urgent: bool
    body: str
    allow_secret: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_agent_options(parser)
    parser.add_argument("--channel", help="where to post (general; with --to, direct)")
    parser.add_argument("--to", metavar="AGENT", help="the only agent that gets it")
    parser.add_argument("--kind", choices=KINDS, default="chat", help="the kind of message (%(default)s)")
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    parser.add_argument("--reply-to", type=count, metavar="ID", help="the message that it answers")
    parser.add_argument("--ack", action="store_true", help="with --to: ask the agent to acknowledge it")
    parser.add_argument("--ack-within", type=seconds, metavar="SEC", help="the same, within this many seconds")
    parser.add_argument("--urgent", action="store_true", help="mark it as urgent")
    parser.add_argument("--allow-secret", action="store_true", help="post it though it certainly holds a key")
    parser.add_argument("body", metavar="BODY", help="the text")


def run(options: Options) -> int:
    """Post, and print the message as the hub keeps it."""
    channel = options.channel or ("general" if options.to is None else "direct")

    def post(client: ArcClient) -> None:
        message = client.post(
            channel,
            options.body,
            kind=options.kind,
            thread_id=options.thread_id,
            to_agent=options.to,
            reply_to=options.reply_to,
            ack=options.ack,
            ack_within_sec=options.ack_within,
            urgent=options.urgent,
            allow_secret=options.allow_secret,
        )
        print_json(message)

    return speak(options, post)
