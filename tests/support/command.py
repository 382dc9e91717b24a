"""The command, run in this process: what it prints and how it ends."""

from collections.abc import Callable

import pytest

from cli.main import main

Run = Callable[..., str]
"""`run("log", "show", 5, code=0)`: what it printed; with another code than 0, what it complained of too."""


def running(capsys: pytest.CaptureFixture[str], *after: str) -> Run:
    """A way to run commands, each with the arguments `after` after its own."""

    def run(*arguments: object, code: int = 0) -> str:
        try:
            ended = main([*map(str, arguments), *after])
        except SystemExit as refused:  # so ends the parser
            ended = int(refused.code or 0)
        out, err = capsys.readouterr()
        assert ended == code, f"{ended}: {out}{err}"
        return out if ended == 0 else out + err

    return run
