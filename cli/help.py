"""`arc help`: the pages of the documentation, which come with the command, and the help of each command.

A topic is a page of `docs`, named by its file (`locks`) or, where two have the same name, by its folder too
(`explanation/locks`). There is one text for the terminal and for the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cli.arguments import Arguments, Namespace
from cli.commands import COMMANDS, FOREGROUND
from cli.dispatch import Group, names_like
from cli.dispatch import run as run_command
from cli.errors import WrongArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
"""Beside the code, in a checkout as in a wheel."""

SECTIONS: Final = {
    "tutorial": "to begin with",
    "how-to": "how to",
    "explanation": "why it is like this",
    "reference": "reference",
    "harnesses": "coding agents",
}
"""The folders whose pages are topics, and what they are called."""


class Options(Namespace):
    """What the help is wanted for."""

    words: list[str]


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="TOPIC",
        help="a command, such as log show, or a page, such as which-hub (a list of all)",
    )


def run(options: Options) -> int:
    """Print the help of a command or a page; without either, list the topics."""
    if not options.words:
        print(_contents())
        return 0
    pages = _pages()
    named = "/".join(options.words)
    found = [name for name in pages if name == named or name.partition("/")[2] == named]
    if _is_command(options.words):
        _print_help(options.words)
        if found:
            print(f"\nThere is a page about it: arc help {found[0]}")
        return 0
    if len(found) > 1:
        choices = " or ".join(f"arc help {name}" for name in found)
        raise WrongArguments(f"two pages are called {named}: {choices}")
    if not found:
        near = _near(" ".join(options.words), pages)
        meant = f"did you mean {' or '.join(f'arc help {name}' for name in near)}? " if near else ""
        raise WrongArguments(f"no command or topic is called {' '.join(options.words)}: {meant}arc help lists them")
    _show(pages[found[0]].read_text(encoding="utf-8"))
    return 0


def _pages() -> dict[str, Path]:
    """The pages by their names, such as `how-to/windows`."""
    folders = [page for section in SECTIONS for page in sorted((DOCS / section).glob("*.md"))]
    found = {page.relative_to(DOCS).with_suffix("").as_posix(): page for page in folders if page.stem != "README"}
    return {"/agents": DOCS / "agents.md", "/glossary": DOCS / "glossary.md", **found}


def _near(wanted: str, pages: dict[str, Path]) -> list[str]:
    """Up to three names of commands and topics that are spelled like a word, or whose title has it."""
    from difflib import get_close_matches

    topics = [name.partition("/")[2] for name in pages]
    titled = [topic for topic, page in zip(topics, pages.values(), strict=True) if _has(_title(page), wanted)]
    near = [*names_like(wanted, COMMANDS), *titled, *get_close_matches(wanted, topics, cutoff=0.7)]
    return list(dict.fromkeys(near))[:3]


def _has(title: str, wanted: str) -> bool:
    """Whether words of a title begin like this, written apart or together: backup finds "Back up"."""
    words, sought = title.lower().split(), "".join(wanted.lower().split())
    return any("".join(words[start:]).startswith(sought) for start in range(len(words)))


def _contents() -> str:
    lines = ["arc help TOPIC prints a page, arc help COMMAND what a command takes, arc --help all commands.", ""]
    pages = _pages()
    lines += ["for agents, and the words:", *(_line(name, pages[name]) for name in pages if name.startswith("/"))]
    for section, title in SECTIONS.items():
        of_section = [name for name in pages if name.startswith(f"{section}/")]
        lines += ["", f"{title}:", *(_line(name, pages[name]) for name in of_section)]
    return "\n".join(lines)


def _line(name: str, page: Path) -> str:
    return f"  {name.partition('/')[2]:<31}  {_title(page)}"


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as text:
        return text.readline().strip().lstrip("# ").replace("`", "")


def _is_command(words: list[str]) -> bool:
    at = COMMANDS
    for place, word in enumerate(words):
        one = at.get(word)
        if one is None or (not isinstance(one, Group) and place < len(words) - 1):
            return False
        at = one.commands if isinstance(one, Group) else {}
    return True


def _print_help(words: list[str]) -> None:
    try:
        run_command("arc", Group(COMMANDS, FOREGROUND.does), [*words, "--help"])
    except SystemExit:  # as a parser ends that has shown its help
        return


def _show(text: str) -> None:
    if sys.stdout.isatty():
        from pydoc import pager

        pager(text)
    else:
        print(text, end="")
