"""`arc token issue`: a token for an agent, whose name is its holder's alone from then on.

The token is made here, and only its hash goes to the hub.
"""

from __future__ import annotations

import os
from hashlib import sha256

from cli.arguments import Arguments, Namespace
from cli.options import add_base_url
from cli.output import print_json

PREFIX = "arc_"


class Options(Namespace):
    """For whom."""

    agent: str
    operator: bool
    base_url: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("agent", metavar="AGENT", help="whose name is bound")
    parser.add_argument(
        "--operator",
        action="store_true",
        help="also allow what operators do; once there is such a token, nobody else may",
    )
    add_base_url(parser)


def run(options: Options) -> int:
    """Print the token, this once, and what is known of it; 0.

    Raises:
        ArcError: the hub refused, or is not there.
    """
    from arc.http import HttpTransport

    token = f"{PREFIX}{os.urandom(32).hex()}"
    asked = {
        "agent_id": options.agent,
        "token_sha256": sha256(token.encode()).hexdigest(),
        "operator": options.operator,
    }
    issued = HttpTransport(options.base_url).call("POST", "/v1/tokens", asked)["result"]
    print_json({**issued, "token": token})
    return 0
