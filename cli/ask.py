"""`arc ask`: ask a person a question."""

from __future__ import annotations

from cli.agent import act_as
from cli.arguments import Arguments
from cli.options import AgentOptions, add_actor_options, count, seconds
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient


class Options(AgentOptions):
    """What is asked."""

    body: str
    option: list[str] | None
    default: str | None
    deadline: float | None
    task: int | None
    thread_id: str | None
    urgent: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_actor_options(parser)
    parser.add_argument(
        "--option", action="append", metavar="ANSWER", help="an answer to choose from; repeat it for more"
    )
    parser.add_argument("--default", metavar="ANSWER", help="the answer that counts when nobody has answered in time")
    parser.add_argument("--deadline", type=seconds, metavar="SEC", help="how many seconds there are to answer")
    parser.add_argument("--task", type=count, metavar="TASK", help="a task of the agent that waits for the answer")
    parser.add_argument("--thread-id", metavar="ID", help="the thread that it belongs to")
    parser.add_argument("--urgent", action="store_true", help="mark it as urgent")
    parser.add_argument("body", metavar="QUESTION", help="the question")


def run(options: Options) -> int:
    """Ask, and print the message, whose id the question has."""

    def ask(client: ArcClient) -> None:
        message = client.ask_person(
            options.body,
            options=options.option,
            default=options.default,
            deadline_sec=options.deadline,
            for_task_id=options.task,
            thread_id=options.thread_id,
            urgent=options.urgent,
        )
        print_json(message)

    return act_as(options, ask)
