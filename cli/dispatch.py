"""Commands as data, and how one of them is found and run.

What carries a command out, a module or an object in one, offers

    Options                       a class of options with their types, below `Namespace`
    add_arguments(parser)         which declares them
    run(options) -> int           which does the work and returns the exit code

and is imported only when its command was asked for.
"""

from __future__ import annotations

from cli.arguments import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final, Protocol

    class Runnable(Protocol):
        """What carries a command out."""

        Options: Any

        def add_arguments(self, parser: Arguments, /) -> None: ...

        def run(self, options: Any, /) -> int: ...  # noqa: ANN401 - each has options of its own


class Command:
    """One command.

    Attributes:
        module: what carries it out: a module, or `module:NAME` for an object in one.
        does: what it does, in a few words.
    """

    __slots__ = ("does", "module")

    def __init__(self, module: str, does: str) -> None:
        self.module: Final = module
        self.does: Final = does

    def load(self) -> Runnable:
        """What carries it out."""
        module, _colon, name = self.module.partition(":")
        found = __import__(module, fromlist=["run"])
        runnable: Runnable = getattr(found, name) if name else found
        return runnable


class Group:
    """Commands below a common word, such as `arc log show`.

    Attributes:
        commands: the commands by name.
        does: what they are for.
    """

    __slots__ = ("commands", "does")

    def __init__(self, commands: Commands, does: str) -> None:
        self.commands: Final = commands
        self.does: Final = does


if TYPE_CHECKING:
    Commands = Mapping[str, Command | Group]


def run(prog: str, command: Command | Group, arguments: Sequence[str]) -> int:
    """Parse the arguments of a command, do it, and return its exit code.

    Args:
        prog: how it is called, for its help.
        command: the command, or the group that holds it.
        arguments: what follows its name.

    Raises:
        SystemExit: the arguments cannot be used, or ask for help.
    """
    if isinstance(command, Group):
        return _run_one_of(prog, command, arguments)
    runnable = command.load()
    declared, options = Arguments(), runnable.Options()
    runnable.add_arguments(declared)
    declared.parse(prog, _capitalised(command.does), arguments, options)
    return runnable.run(options)


def list_commands(parser: Arguments, commands: Commands) -> None:
    """Let the help of `parser` name the commands and what each does."""
    width = max(len(name) for name in commands)
    lines = [f"  {name:<{width}}  {command.does}" for name, command in commands.items()]
    parser.epilog = "\n".join(["commands:", *lines])


def names_like(word: str, commands: Commands) -> list[str]:
    """Up to three commands that a word may mean, such as `log replay`: those of this very name, else of a like one."""
    from difflib import get_close_matches

    called: dict[str, list[str]] = {}
    for name, command in commands.items():
        called.setdefault(name, []).append(name)
        for below in command.commands if isinstance(command, Group) else ():
            called.setdefault(below, []).append(f"{name} {below}")
    near = [word] if word in called else get_close_matches(word, called, cutoff=0.7)
    return [name for one in near for name in called[one]][:3]


def _capitalised(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _run_one_of(prog: str, group: Group, arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in group.commands:
        return run(f"{prog} {arguments[0]}", group.commands[arguments[0]], arguments[1:])
    from argparse import SUPPRESS

    declared = Arguments()
    declared.usage = f"{prog} COMMAND [options]"
    list_commands(declared, group.commands)
    declared.add_argument("command", choices=group.commands, metavar="COMMAND", help=SUPPRESS)
    parser = declared.parser(prog, _capitalised(group.does))
    if arguments and not arguments[0].startswith("-"):
        near = [f"{prog} {name}" for name in names_like(arguments[0], group.commands)]
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        parser.error(f"no command is called {arguments[0]}: {meant}{prog} --help lists them")
    parser.parse_args(arguments)
    raise AssertionError("a command that is there was run, and the parser refuses any other")
