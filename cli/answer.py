"""`arc answer`: answer a question that an agent asked a person."""

from __future__ import annotations

from cli.agent import act_as
from cli.arguments import Arguments
from cli.options import AgentOptions, add_base_url, count
from cli.output import print_json, print_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arc import ArcClient


class Options(AgentOptions):
    """Which question, and what is answered."""

    question: int
    answer: list[str]


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("--agent", default="human", metavar="ID", help="who answers (%(default)s)")
    add_base_url(parser)
    parser.add_argument("question", type=count, metavar="ID", help="the question, as arc questions prints it")
    parser.add_argument("answer", nargs="+", metavar="ANSWER", help="the answer")


def run(options: Options) -> int:
    """Answer it, and print the message that says so; an answer that was not offered counts, and is remarked on."""
    answer = " ".join(options.answer)

    def act(client: ArcClient) -> None:
        print_json(client.answer(options.question, answer))
        offered = client.get_question(options.question)["options"]
        if offered and answer not in offered:
            print_note(
                f"arc: {answer!r} was not among the answers offered ({', '.join(offered)}); it counts all the same"
            )

    return act_as(options, act)
