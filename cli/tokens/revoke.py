"""`arc token revoke`: a token is refused from then on."""

from __future__ import annotations

from arc.urls import segment
from cli.arguments import Arguments, Namespace
from cli.options import add_base_url
from cli.output import print_json


class Options(Namespace):
    """Which token."""

    token_id: str
    base_url: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("token_id", metavar="TOKEN_ID", help="its id, as arc token list prints it")
    add_base_url(parser)


def run(options: Options) -> int:
    """Print what is known of the token; 0.

    Raises:
        ArcError: the hub refused, or is not there.
    """
    from arc.http import HttpTransport

    print_json(HttpTransport(options.base_url).call("DELETE", f"/v1/tokens/{segment(options.token_id)}")["result"])
    return 0
