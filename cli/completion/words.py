"""The words that may follow each command, read from its own declarations."""

from __future__ import annotations

from cli.arguments import Arguments
from cli.dispatch import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from cli.dispatch import Command, Commands


class Option:
    """One option of a command.

    Attributes:
        spellings: how it may be written, such as `-n` and `--limit`.
        does: what it does, on one line.
        takes_value: whether a value follows it.
        choices: the values that it takes, where they are few; else empty.
    """

    __slots__ = ("choices", "does", "spellings", "takes_value")

    def __init__(self, spellings: tuple[str, ...], does: str, *, takes_value: bool, choices: tuple[str, ...]) -> None:
        self.spellings: Final = spellings
        self.does: Final = does
        self.takes_value: Final = takes_value
        self.choices: Final = choices


class Place:
    """What may follow the words of one command.

    Attributes:
        words: the command, such as `("log", "show")`; empty for `arc` itself.
        commands: what each command that may follow does, by its name.
        options: the options.
    """

    __slots__ = ("commands", "options", "words")

    def __init__(self, words: tuple[str, ...], commands: dict[str, str], options: tuple[Option, ...]) -> None:
        self.words: Final = words
        self.commands: Final = commands
        self.options: Final = options

    @property
    def at(self) -> str:
        """The words as the scripts keep them while they walk along a command line: each after a blank."""
        return "".join(f" {word}" for word in self.words)


def list_places(commands: Commands, foreground: Command) -> list[Place]:
    """The places of all commands, `arc` itself first.

    Args:
        commands: every command by its name.
        foreground: what `arc` does without a command.
    """
    top = Place((), {name: one.does for name, one in commands.items()}, _options(foreground))
    return [top, *_below((), commands)]


def _below(words: tuple[str, ...], commands: Commands) -> Iterator[Place]:
    for name, one in commands.items():
        if isinstance(one, Group):
            yield Place((*words, name), {below: command.does for below, command in one.commands.items()}, ())
            yield from _below((*words, name), one.commands)
        else:
            yield Place((*words, name), {}, _options(one))


def _options(command: Command) -> tuple[Option, ...]:
    declared = Arguments()
    command.load().add_arguments(declared)
    found = [
        Option(
            one.names,
            " ".join((str(one.how.get("help") or "") % {"default": one.default()}).split()),
            takes_value=not one.is_flag and one.how.get("action") is None,
            choices=tuple(str(choice) for choice in one.how.get("choices") or ()),
        )
        for one in declared.declared
        if one.is_option
    ]
    return (*found, Option(("-h", "--help"), "show what the command takes", takes_value=False, choices=()))
