"""`arc task add`: open a task."""

from __future__ import annotations

from cli.agent import act_as
from cli.arguments import Arguments
from cli.options import AgentOptions, add_actor_options, count, counts, names
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient


class Options(AgentOptions):
    """What is to be done, by whom, and when."""

    body: str
    channel: str
    thread_id: str | None
    parent: int | None
    assignee: str | None
    priority: int | None
    after: list[int] | None
    needs: list[str] | None
    not_before: str | None
    max_attempts: int | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_actor_options(parser)
    parser.add_argument("--channel", default="general", help="where it is announced (%(default)s)")
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    parser.add_argument("--parent", type=count, metavar="TASK", help="the task that it is part of")
    parser.add_argument("--assignee", metavar="AGENT", help="the only agent that is to do it")
    parser.add_argument("--priority", type=int, choices=range(5), help="0 is done first, 4 last (2)")
    parser.add_argument("--after", type=counts, metavar="TASK,…", help="tasks that must be done first")
    parser.add_argument("--needs", type=names, metavar="NAME,…", help="what an agent must be capable of")
    parser.add_argument("--not-before", metavar="TIME", help="such as 2026-11-22T12:00:00Z: it is not ready earlier")
    parser.add_argument(
        "--max-attempts", type=count, metavar="N", help="after this many lapsed leases it has failed (3)"
    )
    parser.add_argument("body", metavar="TEXT", help="what is to be done; the first line is its title")


def run(options: Options) -> int:
    """Open it, and print its message, whose id the task has."""

    def add(client: ArcClient) -> None:
        message = client.add_task(
            options.body,
            channel=options.channel,
            thread_id=options.thread_id,
            parent_task_id=options.parent,
            assignee=options.assignee,
            priority=options.priority,
            depends_on=options.after,
            needs=options.needs,
            not_before=options.not_before,
            max_attempts=options.max_attempts,
        )
        print_json(message)

    return act_as(options, add)
