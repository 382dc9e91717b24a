"""The completion script of bash (https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.completion.words import Place

SCRIPT = """\
# bash completion for arc: eval "$(arc completion bash)"
_arc() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} at="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${{COMP_WORDS[i]}}" in
      {commands}) at="$at ${{COMP_WORDS[i]}}" ;;
      *) break ;;
    esac
  done
  case "$at $previous" in
{values}
    *)
      case "$at" in
{places}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _arc arc
"""


def write(places: Sequence[Place]) -> str:
    """The script, to be read by `eval`.

    Args:
        places: what may follow each command.
    """
    commands = "|".join(f'"{place.at}"' for place in places if place.words)
    return SCRIPT.format(
        commands=commands, values="\n".join(_values(places)), places="\n".join(_words(place) for place in places)
    )


def _values(places: Sequence[Place]) -> Iterator[str]:
    for place in places:
        for option in place.options:
            if option.takes_value:
                patterns = "|".join(f'"{place.at} {spelling}"' for spelling in option.spellings)
                yield f'    {patterns}) words="{" ".join(option.choices)}" ;;'


def _words(place: Place) -> str:
    spellings = [spelling for option in place.options for spelling in option.spellings]
    return f'        "{place.at}") words="{" ".join([*place.commands, *spellings])}" ;;'
