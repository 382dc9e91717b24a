"""The completion script of zsh (https://zsh.sourceforge.io/Doc/Release/Completion-System.html)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.completion.words import Place

SCRIPT = """\
#compdef arc
# zsh completion for arc: eval "$(arc completion zsh)", after compinit
_arc() {{
  local at="" i
  local -a commands options values
  for ((i = 2; i < CURRENT; i++)); do
    case "$at ${{words[i]}}" in
      {commands}) at="$at ${{words[i]}}" ;;
      *) break ;;
    esac
  done
  case "$at ${{words[CURRENT-1]}}" in
{values}
  esac
  case "$at" in
{places}
  esac
  if (( ${{#commands}} )) && [[ ${{words[CURRENT]}} != -* ]]; then
    _describe -t commands command commands
    return
  fi
  [[ ${{words[CURRENT]}} == -* ]] && {{ _describe -t options option options; return }}
  _files
}}
compdef _arc arc
"""


def write(places: Sequence[Place]) -> str:
    """The script, to be read by `eval` or kept as `_arc` in a folder of `fpath`.

    Args:
        places: what may follow each command.
    """
    commands = "|".join(f'"{place.at}"' for place in places if place.words)
    return SCRIPT.format(
        commands=commands, values="\n".join(_values(places)), places="\n".join(_described(place) for place in places)
    )


def _values(places: Sequence[Place]) -> Iterator[str]:
    for place in places:
        for option in place.options:
            if option.takes_value:
                patterns = "|".join(f'"{place.at} {spelling}"' for spelling in option.spellings)
                offer = f"values=({' '.join(option.choices)}); _describe value values" if option.choices else "_files"
                yield f"    {patterns}) {offer}; return ;;"


def _described(place: Place) -> str:
    commands = " ".join(_quoted(name, does) for name, does in place.commands.items())
    options = " ".join(_quoted(spelling, one.does) for one in place.options for spelling in one.spellings)
    return f'    "{place.at}") commands=({commands}); options=({options}) ;;'


def _quoted(word: str, does: str) -> str:
    escaped = f"{word}:{does}".replace("'", "'\\''")
    return f"'{escaped}'"
