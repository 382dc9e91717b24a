"""`arc wake`: have an agent called that may be idle, and see what comes of it."""

from __future__ import annotations

import time

from cli.agent import act_as
from cli.arguments import Arguments
from cli.errors import WrongArguments
from cli.options import AgentOptions, add_actor_options, count, seconds
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from arc.client import ArcClient
    from arc.shapes import Wake

LOOK_SEC: Final = 0.1
CALLED: Final = ("requested", "sent")
DARK: Final = 1
"""The exit code where the agent was not seen."""


class Options(AgentOptions):
    """Who is to wake, and what for."""

    whom: str | None
    body: str | None
    wait: float | None
    ack: int | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_actor_options(parser)
    parser.add_argument("whom", nargs="?", metavar="AGENT", help="who is to wake")
    parser.add_argument("body", nargs="?", metavar="MESSAGE", help="what to say to it first, as a direct message")
    parser.add_argument("--wait", type=seconds, metavar="SEC", help="wait until it is seen or counts as dark")
    parser.add_argument(
        "--ack", type=count, metavar="WAKE", help="say that the agent has taken up what it was woken for"
    )


def run(options: Options) -> int:
    """Have it called; the exit code is 1 when it counts as dark, or was not seen in the time that was given."""
    if (options.whom is None) == (options.ack is None):
        raise WrongArguments("name the agent that is to wake, or --ack the wake that you have taken up")
    seen = True

    def wake(client: ArcClient) -> None:
        nonlocal seen
        if options.ack is not None:
            print_json(client.acknowledge_wake(options.ack))
            return
        whom = options.whom or ""
        message_id = None if options.body is None else client.dm(whom, options.body)["id"]
        asked = client.wake(whom, message_id=message_id)
        if options.wait is not None:
            asked = _wait(client, asked, options.wait)
            seen = asked["state"] in {"seen", "acknowledged"}
        print_json(asked)

    return act_as(options, wake) or (0 if seen else DARK)


def _wait(client: ArcClient, asked: Wake, wait_sec: float) -> Wake:
    """The wake as it is when its agent was seen, counts as dark, or the time is over."""
    until = time.monotonic() + wait_sec
    while asked["state"] in CALLED and time.monotonic() < until:
        time.sleep(LOOK_SEC)
        asked = next(one for one in client.wakes(asked["agent_id"]) if one["wake_id"] == asked["wake_id"])
    return asked
