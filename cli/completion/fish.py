"""The completion script of fish (https://fishshell.com/docs/current/completions.html)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.completion.words import Option, Place

HEAD = """\
# fish completion for arc: arc completion fish | source
function __arc_at
    set -l typed (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $typed) -ge $last; and test "$typed[2..$last]" = "$argv"
end
"""


def write(places: Sequence[Place]) -> str:
    """The script, to be read by `source` or kept as `completions/arc.fish`.

    Args:
        places: what may follow each command.
    """
    return "\n".join([HEAD, *(line for place in places for line in _lines(place))]) + "\n"


def _lines(place: Place) -> Iterator[str]:
    at = " ".join(["__arc_at", *place.words])
    next_word = f"test (count (commandline -opc)) -eq {1 + len(place.words)}"
    here = f"{at}; and {next_word}" if place.words else next_word
    for name, does in place.commands.items():
        yield f"complete -c arc -f -n {_quoted(here)} -a {name} -d {_quoted(does)}"
    here = at if place.words else next_word
    for option in place.options:
        yield f"complete -c arc -n {_quoted(here)} {_option(option)} -d {_quoted(option.does)}"


def _option(option: Option) -> str:
    spelt = [f"-l {one[2:]}" if one.startswith("--") else f"-s {one[1:]}" for one in option.spellings]
    if option.choices:
        return " ".join([*spelt, "-x", "-a", _quoted(" ".join(option.choices))])
    return " ".join([*spelt, "-r"] if option.takes_value else spelt)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
