"""The door of the command: does what was asked for, and tells what went wrong in one line."""

import sys
from collections.abc import Sequence
from typing import Final

from cli.commands import COMMANDS, FOREGROUND
from cli.dispatch import run
from cli.errors import CommandFailed
from cli.output import end_quietly, print_error

FAILED: Final = 1
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for, and return the exit code: 0 done, 1 failed, 2 wrong arguments.

    Args:
        arguments: what was typed after `arc`.
    """
    name = arguments[0] if arguments else ""
    try:
        if name in COMMANDS:
            code = run(f"arc {name}", COMMANDS[name], arguments[1:])
        else:
            code = run("arc", FOREGROUND, arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        end_quietly()
        return FAILED
    except Exception as error:
        told = _tell(error)
        if told is None:
            raise
        print_error(told)
        return FAILED
    return code


def _tell(error: Exception) -> str | None:
    """What to tell a person of an error that the machine or the input is to blame for; None for a fault of ours."""
    if isinstance(error, CommandFailed):
        return str(error)
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror or error}"
    for module in ("arc.errors", "arclog.errors"):  # an error of a module that was never loaded cannot be raised
        if module in sys.modules and isinstance(error, sys.modules[module].ArcError):
            return str(error)
    return None
