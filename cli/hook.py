"""`arc hook`: what a harness's hook runs, where it finds the command rather than the script."""

from __future__ import annotations

import sys

from arc.arc_hook import MODES, answer
from arc.harnesses import HARNESSES
from cli.arguments import Arguments, Namespace


class Options(Namespace):
    """Whose hook, and what its repository chose."""

    harness: str
    mode: str
    closed: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("harness", choices=tuple(HARNESSES), help="whose hook calls")
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="auto",
        help="auto locks edited files, check only refuses to edit locked ones, off does neither",
    )
    parser.add_argument("--closed", action="store_true", help="block every tool while no hub answers")


def run(options: Options) -> int:
    """Hand what comes on the standard input to the hub, and print its answer."""
    sys.stdout.write(answer(options.harness, sys.stdin.buffer.read(), options.mode, closed=options.closed))
    return 0
