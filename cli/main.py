"""The door of the command: does what was asked for, and tells what went wrong in one line."""

from __future__ import annotations

import os
import sys

from cli.commands import COMMANDS, FOREGROUND
from cli.dispatch import Group, run
from cli.errors import CommandFailed, WrongArguments, in_words
from cli.output import end_quietly, print_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

FAILED: Final = 1
WRONG_ARGUMENTS: Final = 2
"""The exit code of the parser, and of arguments that it cannot tell to be wrong."""
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for, and return the exit code: 0 done, 1 failed, 2 wrong arguments.

    Args:
        arguments: what was typed after `arc`.
    """
    name = arguments[0] if arguments else ""
    _open_what_was_closed()
    _show_what_cannot_be_shown()
    try:
        if name and not name.startswith("-"):
            code = run("arc", Group(COMMANDS, FOREGROUND.does), arguments)
        else:
            code = run("arc", FOREGROUND, arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        end_quietly()
        return FAILED
    except UnicodeEncodeError as error:
        if not _is_not_text(error.object):
            raise
        print_error(f"{error.object} is not UTF-8: rename it, or write it in UTF-8")
        return WRONG_ARGUMENTS
    except ModuleNotFoundError as missing:
        from cli.clone import NEEDED

        needed = (missing.name or "").partition(".")[0]
        if needed not in NEEDED:
            raise
        return _run_elsewhere(arguments, needed)
    except Exception as error:
        if not _is_told(error):
            raise
        print_error(in_words(error))
        return WRONG_ARGUMENTS if isinstance(error, WrongArguments) else FAILED
    return code


def _run_elsewhere(arguments: Sequence[str], needed: str) -> int:
    """Do it in the environment of this clone, where this is one; else say what is missing."""
    from cli.clone import ADVICE, is_clone, run_in_environment

    try:
        if is_clone():
            return run_in_environment([*arguments], needed)
    except KeyboardInterrupt:
        return INTERRUPTED
    except CommandFailed as error:
        print_error(str(error))
        return FAILED
    print_error(f"the hub needs {needed}, which {sys.executable} does not have: {ADVICE}")
    return FAILED


def _is_told(error: Exception) -> bool:
    """Whether the machine or the input is to blame, so that a line is enough; a fault of ours shows where it is."""
    if isinstance(error, CommandFailed | OSError):
        return True
    modules = [sys.modules.get(name) for name in ("arc.errors", "arclog.errors")]
    return any(module is not None and isinstance(error, module.ArcError) for module in modules)


def _open_what_was_closed() -> None:
    """Open the standard streams that the caller closed: else what is opened next takes their place, even a storage."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _show_what_cannot_be_shown() -> None:
    """Let characters that the output has no place for be written as escapes, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.errors != "backslashreplace":
            reconfigure(errors="backslashreplace")


def _is_not_text(text: str) -> bool:
    """Whether a text came from bytes that are not UTF-8, as arguments and names of files may be."""
    return any("\udc80" <= char <= "\udcff" for char in text)
