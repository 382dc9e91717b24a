"""Commands as data, and how one of them is found and run.

The module of a command offers

    Options                       a class of options with their types, below `argparse.Namespace`
    add_arguments(parser)         which declares them
    run(options) -> int           which does the work and returns the exit code

and is imported only when its command was asked for.
"""

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, Union


class Command(NamedTuple):
    """One command.

    Attributes:
        module: where it is carried out.
        does: what it does, in a few words.
    """

    module: str
    does: str


class Group(NamedTuple):
    """Commands below a common word, such as `arc log show`.

    Attributes:
        commands: the commands by name.
        does: what they are for.
    """

    commands: "Commands"
    does: str


Commands = Mapping[str, Union[Command, Group]]  # noqa: UP007 - the name `Group` is not yet known to `|`


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
    module = import_module(command.module)
    parser = argparse.ArgumentParser(prog=prog, description=_capitalised(command.does))
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(arguments, namespace=module.Options()))
    return code


def list_commands(parser: argparse.ArgumentParser, commands: Commands) -> None:
    """Let the help of `parser` name the commands and what each does."""
    width = max(len(name) for name in commands)
    lines = [f"  {name:<{width}}  {command.does}" for name, command in commands.items()]
    parser.epilog = "\n".join(["commands:", *lines])
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def _capitalised(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _run_one_of(prog: str, group: Group, arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in group.commands:
        return run(f"{prog} {arguments[0]}", group.commands[arguments[0]], arguments[1:])
    parser = argparse.ArgumentParser(prog=prog, description=_capitalised(group.does), usage=f"{prog} COMMAND [options]")
    list_commands(parser, group.commands)
    parser.add_argument("command", choices=group.commands, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.parse_args(arguments)
    raise AssertionError("a command that is there was run, and the parser refuses any other")
