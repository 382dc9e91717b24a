"""`arc completion`: print the completion script of a shell."""

from __future__ import annotations

from cli.arguments import Arguments, Namespace
from cli.commands import COMMANDS, FOREGROUND
from cli.completion import bash, fish, zsh
from cli.completion.words import list_places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SHELLS: Final = {"bash": bash.write, "zsh": zsh.write, "fish": fish.write}


class Options(Namespace):
    """Which shell."""

    shell: str


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("shell", choices=tuple(SHELLS), help="bash, zsh or fish")


def run(options: Options) -> int:
    """Print the script."""
    print(SHELLS[options.shell](list_places(COMMANDS, FOREGROUND)), end="")
    return 0
