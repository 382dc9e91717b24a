"""`arc poll`: the messages that an agent may see, a JSON line each."""

from __future__ import annotations

from cli.agent import speak
from cli.arguments import Arguments
from cli.options import RegisteringOptions, add_agent_options, cursor, seconds
from cli.output import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient
    from arc.shapes import Message


class Options(RegisteringOptions):
    """Which messages, and how long to wait for the first."""

    channel: str | None
    thread_id: str | None
    timeout: float
    since_id: int | None
    cursor: str | None
    peek: bool
    include_self: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_agent_options(parser)
    parser.add_argument("--channel", help="only messages of this channel")
    parser.add_argument("--thread-id", metavar="ID", help="only messages of this thread")
    parser.add_argument(
        "--timeout", type=seconds, default=30.0, metavar="SEC", help="how long to wait when there are none (30)"
    )
    parser.add_argument(
        "--since-id", type=cursor, metavar="ID", help="only messages after this id, wherever earlier polls ended"
    )
    parser.add_argument("--cursor", metavar="NAME", help="the name of the cursor to go on from (one for each filter)")
    parser.add_argument(
        "--peek", action="store_true", help="leave the cursor where it is, so that the next poll shows the same"
    )
    parser.add_argument("--include-self", action="store_true", help="also what the agent posted itself")


def run(options: Options) -> int:
    """Print a page of at most 100 messages; nothing when the time is over.

    It goes on where the last poll ended, at first with the newest messages. That place is moved when they are printed,
    so a reader that is killed before that sees them again.
    """
    place = options.cursor or _place(options)

    def poll(client: ArcClient) -> None:
        def read(since_id: int, timeout: float, limit: int, cursor: str | None) -> list[Message]:
            return client.events(
                channel=options.channel,
                thread_id=options.thread_id,
                since_id=since_id,
                timeout=timeout,
                limit=limit,
                exclude_self=not options.include_self,
                cursor=cursor,
                peek=True,
            )

        if options.since_id is not None:
            messages = read(options.since_id, options.timeout, 100, None)
        else:
            messages = read(0, options.timeout, 100, place)
        for message in messages:
            print(to_json(message), flush=True)
        if messages and options.since_id is None and not options.peek:
            read(messages[-1]["id"], 0.0, 1, place)

    return speak(options, poll)


def _place(options: Options) -> str:
    """A name for each filter, so that a poll of one channel takes nothing from a poll of everything."""
    parts = [f"channel={options.channel}"] if options.channel else []
    parts += [f"thread={options.thread_id}"] if options.thread_id else []
    return "/".join(["poll", *parts, *(["self"] if options.include_self else [])])
