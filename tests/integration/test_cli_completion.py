"""What a shell offers after `arc` was completed by the script of `arc completion`."""

from pathlib import Path

import pytest

from cli.commands import COMMANDS, LOG
from cli.main import main
from tests.support.commands import run
from tests.support.tools import require_tool


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The completion script of the shell that the test names."""
    assert main(["completion", request.param]) == 0
    path = tmp_path / f"arc.{request.param}"
    path.write_text(capsys.readouterr().out)
    return path


BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _arc
printf '%s\\n' "${COMPREPLY[@]}"
"""

ZSH = """
autoload -Uz compinit; compinit -u -d "$1.dump"; source "$1"; shift
_describe() { print -l -- ${(P)argv[-1]}; }
words=("$@"); CURRENT=$#; _arc
"""

CASES = [
    ((), set(COMMANDS)),
    (("log",), set(LOG)),
    (("post", "--kind"), {"chat", "notice", "artifact", "task", "claim", "release", "task_request", "task_result"}),
    (("log", "show", "5", "-"), {"--stream", "--actor", "--json", "--storage", "--help"}),
]


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_bash_offers_what_may_follow(script: Path, typed: tuple[str, ...], offered: set[str]) -> None:
    bash = require_tool("bash", install="apt-get install bash")
    last = () if typed and typed[-1] == "-" else ("",)
    told = run(bash, "-c", BASH, "bash", script, "arc", *typed, *last)
    assert offered <= set(told.split())


@pytest.mark.outer
@pytest.mark.parametrize("script", ["zsh"], indirect=True)
@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_zsh_offers_what_may_follow(script: Path, typed: tuple[str, ...], offered: set[str]) -> None:
    zsh = require_tool("zsh", install="apt-get install zsh")
    last = () if typed and typed[-1] == "-" else ("",)
    told = run(zsh, "-fc", ZSH, "zsh", script, "arc", *typed, *last)
    assert offered <= {line.partition(":")[0] for line in told.splitlines()}


@pytest.mark.outer
@pytest.mark.parametrize("script", ["fish"], indirect=True)
@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_fish_offers_what_may_follow(script: Path, typed: tuple[str, ...], offered: set[str]) -> None:
    fish = require_tool("fish", install="apt-get install fish")
    line = " ".join(["arc", *typed]) + ("" if typed and typed[-1] == "-" else " ")
    told = run(fish, "--no-config", "-c", f"source {script}; complete -C '{line}'")
    assert offered <= {line.partition("\t")[0] for line in told.splitlines()}


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_a_word_of_a_message_is_not_taken_for_a_command(script: Path) -> None:
    bash = require_tool("bash", install="apt-get install bash")
    assert "--kind" in run(bash, "-c", BASH, "bash", script, "arc", "post", "log", "--k")
