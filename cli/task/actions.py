"""`arc task done`, `fail`, `cancel`, `reopen`, `assign` and `handover`: what becomes of a task."""

from __future__ import annotations

from cli.agent import act_as
from cli.arguments import Arguments
from cli.options import AgentOptions, add_actor_options, count
from cli.output import print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from arc import ArcClient
    from arc.shapes import Claim, Task


class ActionOptions(AgentOptions):
    """Which task, and what is said of it."""

    task: int
    reason: str
    token: int | None
    assignee: str | None
    receiver: str


class Action:
    """One thing that is done to a task.

    Args:
        act: does it.
        says: the arguments that it takes besides the task.
    """

    Options: Final = ActionOptions

    def __init__(self, act: Callable[[ArcClient, ActionOptions], Task | Claim], *says: str) -> None:
        self._act = act
        self._says = says

    def add_arguments(self, parser: Arguments) -> None:
        """Declare `ActionOptions`, as far as they are taken."""
        add_actor_options(parser)
        parser.add_argument("task", type=count, metavar="TASK", help="the task's id")
        if "token" in self._says:
            parser.add_argument(
                "--token", type=count, metavar="N", help="the fencing token of the agent's lease on it, to be checked"
            )
        if "reason" in self._says:
            parser.add_argument("--reason", default="", metavar="TEXT", help="why")
        if "receiver" in self._says:
            parser.add_argument("receiver", metavar="AGENT", help="who has it from then on")
        if "assignee" in self._says:
            parser.add_argument(
                "assignee", nargs="?", metavar="AGENT", help="the agent; without one, anybody may do it"
            )

    def run(self, options: ActionOptions) -> int:
        """Do it, and print the task as it stands then."""
        return act_as(options, lambda client: print_json(self._act(client, options)))


DONE: Final = Action(lambda client, o: client.complete_task(o.task, fencing_token=o.token), "token")
FAIL: Final = Action(lambda client, o: client.fail_task(o.task, o.reason, fencing_token=o.token), "reason", "token")
CANCEL: Final = Action(lambda client, o: client.cancel_task(o.task, o.reason), "reason")
REOPEN: Final = Action(lambda client, o: client.reopen_task(o.task, o.reason), "reason")
HANDOVER: Final = Action(
    lambda client, o: client.hand_over_task(o.task, o.receiver, fencing_token=o.token), "receiver", "token"
)
ASSIGN: Final = Action(lambda client, o: client.assign_task(o.task, o.assignee), "assignee")
