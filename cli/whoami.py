"""`arc whoami`: what a hub knows of an agent, and who else is there."""

from __future__ import annotations

from cli.agent import speak
from cli.arguments import Arguments
from cli.options import RegisteringOptions, add_agent_options
from cli.output import print_json


class Options(RegisteringOptions):
    """Who asks."""


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_agent_options(parser)


def run(options: Options) -> int:
    """Print the agent's bootstrap, which has its `session`."""
    return speak(options, lambda client: print_json(client.whoami()))
