"""`arc ack`: say that messages were taken up."""

from __future__ import annotations

from cli.agent import act_as
from cli.arguments import Arguments
from cli.options import AgentOptions, add_actor_options, count
from cli.output import print_json


class Options(AgentOptions):
    """Which messages."""

    ids: list[int]


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_actor_options(parser)
    parser.add_argument(
        "ids", type=count, nargs="+", metavar="ID", help="the id of a message that asks to be acknowledged"
    )


def run(options: Options) -> int:
    """Acknowledge them, and print the ids of those that were not before."""
    return act_as(options, lambda client: print_json({"acknowledged": client.acknowledge(*options.ids)}))
