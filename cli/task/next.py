"""`arc task next`: take the next task that is ready, with the lease on it."""

from __future__ import annotations

from cli.agent import act_as
from cli.arguments import Arguments
from cli.options import AgentOptions, add_actor_options, names, seconds
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient


class Options(AgentOptions):
    """How long to wait for one, and for how long to have it."""

    wait: float
    ttl: float
    thread_id: str | None
    capabilities: list[str] | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_actor_options(parser)
    parser.add_argument(
        "--wait", type=seconds, default=0.0, metavar="SEC", help="how long to wait when there are none, up to 60 (0)"
    )
    parser.add_argument("--ttl", type=seconds, default=300.0, metavar="SEC", help="how long the lease lasts (300)")
    parser.add_argument("--thread-id", metavar="ID", help="only a task of this thread")
    parser.add_argument(
        "--capabilities", type=names, metavar="NAME,…", help="what the agent can do (what its session says)"
    )


def run(options: Options) -> int:
    """Print the task and why it is this one; null when there is none."""

    def take(client: ArcClient) -> None:
        picked = client.next_task(
            wait_sec=options.wait,
            ttl_sec=options.ttl,
            capabilities=options.capabilities,
            thread_id=options.thread_id,
        )
        print_json(picked)

    return act_as(options, take)
