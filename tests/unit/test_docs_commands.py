"""Every command line in the docs is one that `arc` takes."""

import re
import shlex
from pathlib import Path

import pytest

from cli.arguments import Arguments
from cli.commands import COMMANDS, FOREGROUND
from cli.dispatch import Command, Group
from tests.support.hub_process import CHECKOUT

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
SHELL = re.compile(r"^```(?:sh|bat|bash|console)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
PUNCTUATION = "();<>|&\n"


def command_lines(page: Path) -> list[list[str]]:
    """The arguments of each `arc …` in the shell blocks of a page."""
    found: list[list[str]] = []
    for block in SHELL.findall(page.read_text(encoding="utf-8")):
        for command in commands_of(block):
            words = [word for word in command if not re.match(r"\w+=", word)]
            program = next((place for place, word in enumerate(words[:4]) if word == "arc"), None)
            if program is not None and (program == 0 or {"-m", "--from"} & set(words[:program])):
                found.append(words[program + 1 :])
    return found


def commands_of(block: str) -> list[list[str]]:
    """The commands of a shell script, each as its words; what follows a redirection is left out with it."""
    text = re.sub(r"(^|\s)#.*$", "", block.replace("\\\n", " "), flags=re.MULTILINE)
    text = re.sub(r"<<'?(\w+)'?\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\d?[<>]+ *\S+", "", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=PUNCTUATION)
    lexer.whitespace_split, lexer.whitespace, lexer.commenters = True, " \t", ""
    commands: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set(PUNCTUATION):
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def taken(arguments: list[str]) -> None:
    """Let the command read the arguments as when it is called.

    Raises:
        SystemExit: it does not take them.
    """
    at: Command | Group = Group(COMMANDS, "") if arguments and not arguments[0].startswith("-") else FOREGROUND
    while isinstance(at, Group):
        assert arguments[0] in at.commands, f"there is no {arguments[0]}"
        at, arguments = at.commands[arguments[0]], arguments[1:]
    carrier = at.load()
    declared = Arguments()
    carrier.add_arguments(declared)
    declared.parse("arc", "", arguments, carrier.Options())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_the_commands_of_a_page_are_taken_as_they_stand(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = []
    for arguments in command_lines(page):
        try:
            taken(arguments)
        except (SystemExit, AssertionError) as error:
            if isinstance(error, SystemExit) and error.code == 0:  # --help and --version
                continue
            refused.append((arguments, str(error), capsys.readouterr().err[-300:]))
    assert refused == []
