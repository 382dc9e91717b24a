"""`arc claim`: ask for one piece of work or several, all or none."""

from __future__ import annotations

import time

from cli.arguments import Arguments
from cli.leases.asking import AskOptions, add_ask_options, tell_asked, with_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from arc import ArcClient


class Options(AskOptions):
    """Which work."""

    keys: list[str]
    thread_id: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "keys", nargs="+", metavar="KEY", help="the name of the work, such as task-42; of several, all or none"
    )
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    add_ask_options(parser)


def run(options: Options) -> int:
    """Ask for the claims; 0 when all are the agent's, 75 when something is in the way: then none is kept."""
    from arc.errors import ArcError

    def ask(client: ArcClient) -> int:
        give_up_at = time.monotonic() + options.wait
        several = len(options.keys) > 1
        held = client.claims(active_only=True) if several else []
        before = {row["claim_key"] for row in held if row["owner_agent_id"] == options.agent}
        new: list[dict[str, Any]] = []
        answers: list[dict[str, Any]] = []
        try:
            for key in dict.fromkeys(options.keys):
                required = {"owner_agent_id": options.agent, "claim_key": key, "ttl_sec": options.ttl}
                left_sec = max(0.0, give_up_at - time.monotonic()) if options.wait else 0.0
                answer = client.ask("claims", required, {"thread_id": options.thread_id}, left_sec)
                if not answer["acquired"]:
                    _give_back(client, new)
                    return tell_asked(options, answer, "claim")
                answers.append(answer)
                if key not in before and answer["result"]["owner_agent_id"] == options.agent:  # else it is its parent's
                    new.append(answer["result"])
        except ArcError:
            _give_back(client, new)
            raise
        return max(tell_asked(options, answer, "claim") for answer in answers)

    return with_client(options, options.keys, ask)


def _give_back(client: ArcClient, claims: list[dict[str, Any]]) -> None:
    for claim in claims:
        client.release(claim["claim_key"], fencing_token=claim["fencing_token"])
