"""The arguments of a command: declared once as data, read at once where they are usual, by argparse where they are not.

Importing argparse takes as long as a whole call to a hub. A command line that gives known options their values, as
programs and agents write it, needs nothing of it. Help, mistakes, abbreviations and all else do: then argparse gets the
same declarations, and has the last word.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any, Final

FLAG: Final = "store_true"
"""The action of an option that takes no value."""


class BadArgumentError(ValueError):
    """A text that an option cannot take; `str(error)` says what it takes."""


class Namespace:
    """What was read: an attribute for each argument."""


class Declared:
    """One argument, with what argparse's `add_argument` takes.

    Attributes:
        names: the name of a positional, or the spellings of an option.
        how: the keywords.
        group: the heading that it stands below in the help; empty for the usual one.
    """

    __slots__ = ("group", "how", "names")

    def __init__(self, names: tuple[str, ...], how: dict[str, Any], group: str) -> None:
        self.names = names
        self.how = how
        self.group = group

    @property
    def is_option(self) -> bool:
        """Whether it is named on the command line."""
        return self.names[0].startswith("-")

    @property
    def target(self) -> str:
        """The attribute that it is read into."""
        given: str | None = self.how.get("dest")
        long = [name for name in self.names if name.startswith("--")]
        return given or (long or list(self.names))[0].lstrip("-").replace("-", "_")

    @property
    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return self.how.get("action") == FLAG

    def default(self) -> object:
        """What it is when it is not given."""
        return self.how.get("default", False if self.is_flag else None)

    def read(self, text: str) -> object:
        """The value that a text stands for.

        Raises:
            ValueError: none.
        """
        kind = self.how.get("type")
        value = text if kind is None else kind(text)
        choices = self.how.get("choices")
        if choices is not None and value not in choices:
            raise ValueError(text)
        return value


class Arguments:
    """The arguments of one command.

    Attributes:
        usage: the first lines of the help, where argparse's own would mislead.
        epilog: its last lines, printed as they are.
    """

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.usage: str | None = None
        self.epilog: str | None = None

    def add_argument(self, *names: str, **how: Any) -> None:  # noqa: ANN401 - as argparse has it
        """Declare an argument, as for argparse."""
        self.declared.append(Declared(names, how, ""))

    def add_argument_group(self, title: str) -> Group:
        """A heading in the help, to declare arguments below."""
        return Group(self.declared, title)

    def parse(self, prog: str, does: str, arguments: Sequence[str], into: object) -> None:
        """Read a command line into the attributes of `into`.

        Args:
            prog: how the command is called, for the help.
            does: what it does, for the help.
            arguments: what follows its name.
            into: gets the values.

        Raises:
            SystemExit: the arguments cannot be used, or ask for help.
        """
        found = _read_usual(self.declared, arguments)
        if found is None:
            self.parser(prog, does).parse_args(arguments, namespace=into)
            return
        for name, value in found.items():
            setattr(into, name, value)

    def parser(self, prog: str, does: str) -> argparse.ArgumentParser:
        """The same for argparse."""
        import argparse

        kind = argparse.HelpFormatter if self.epilog is None else argparse.RawDescriptionHelpFormatter
        parser = argparse.ArgumentParser(
            prog=prog, description=does, usage=self.usage, epilog=self.epilog, formatter_class=kind
        )
        groups: dict[str, argparse._ArgumentGroup] = {}
        for one in self.declared:
            if one.group and one.group not in groups:
                groups[one.group] = parser.add_argument_group(one.group)
            how = {**one.how, "type": _as_argparse_has_it(one.how["type"])} if "type" in one.how else one.how
            (groups[one.group] if one.group else parser).add_argument(*one.names, **how)
        return parser


class Group:
    """A heading in the help of a command.

    Args:
        declared: the command's arguments.
        title: the heading.
    """

    def __init__(self, declared: list[Declared], title: str) -> None:
        self._declared = declared
        self._title = title

    def add_argument(self, *names: str, **how: Any) -> None:  # noqa: ANN401 - as argparse has it
        """Declare an argument below the heading."""
        self._declared.append(Declared(names, how, self._title))


def _read_usual(declared: list[Declared], arguments: Sequence[str]) -> dict[str, object] | None:
    """The values of a usual command line; None for every other one, be it wrong or not."""
    options = {name: one for one in declared if one.is_option for name in one.names}
    places = [one for one in declared if not one.is_option]
    found: dict[str, object] = {}
    texts = iter(arguments)
    try:
        for text in texts:
            if text.startswith("-"):
                name, assigned, value = text.partition("=")
                one = options[name]
                if one.is_flag:
                    if assigned:
                        return None
                    found[one.target] = True
                    continue
                if not assigned:
                    value = next(texts)
                    if value.startswith("-"):
                        return None
            else:
                one, value = places.pop(0), text
            if not set(one.how) <= _USUAL or one.how.get("nargs", "?") != "?":
                return None
            found[one.target] = one.read(value)
    except (KeyError, IndexError, StopIteration, ValueError):
        return None
    for one in declared:
        if one.target not in found:
            if one.how.get("required") or (one in places and one.how.get("nargs") not in _NEEDS_NONE):
                return None
            found[one.target] = one.default()
    return found


_USUAL = frozenset({"type", "default", "choices", "metavar", "help", "dest", "required", "nargs"})
"""The keywords of arguments that can be read without argparse."""

_NEEDS_NONE = frozenset({"?", "*"})
"""The `nargs` of positionals that may be left out; argparse says of every other one that it is missing."""


def _as_argparse_has_it(kind: Callable[[str], object]) -> Callable[[str], object]:
    """A reader whose words argparse passes on."""
    from argparse import ArgumentTypeError

    def read(text: str) -> object:
        try:
            return kind(text)
        except BadArgumentError as error:
            raise ArgumentTypeError(str(error)) from None

    return read
