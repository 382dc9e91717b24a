"""Whether what `arc setup` wrote is still there, as it would write it now.

What is missing, and a hook that leads nowhere, is bad. What is there in another form may be meant, as where two
installations of Arc take turns, so that is told and no more.
"""

import os
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cli.doctor.hook_files import find_fault
from cli.doctor.results import CheckResult
from cli.setup.edits import BEGIN, END, CannotEditError, Edit, apply, read
from cli.setup.plan import GIT, Plan


def check_entries(plan: Plan, url: str) -> Iterator[CheckResult]:
    """Look at all that was set up.

    Args:
        plan: where.
        url: the hub.
    """
    for name, edit in plan.all_edits(url):
        try:
            found = _look(plan, name, edit, url)
        except CannotEditError as error:
            found = CheckResult(None, f"{name}: {edit.path}: {error}")
        if found is not None:
            yield found


def _look(plan: Plan, name: str, edit: Edit, url: str) -> CheckResult | None:
    current, planned = read(edit.path), plan.ledger.plan(edit)
    if planned == current:
        if edit.is_program and not os.access(edit.path, os.X_OK):
            said = f"{name}: {edit.path} may not be executed, so git passes over it"
            return CheckResult(False, said, mend=partial(_let_run, edit.path))
        return None
    mend = partial(plan.ledger.write, edit)
    if (apply(edit.take, current) or b"") == (current or b""):
        return CheckResult(False, f"{name}: {edit.path} lacks what setup wrote there ({edit.does})", mend=mend)
    fault = _find_fault(plan, name, edit, (current or b"").decode(errors="replace"), url)
    if fault:
        return CheckResult(False, f"{name}: {edit.path}: {fault}", mend=mend)
    return CheckResult(None, f"{name}: {edit.path} is not as this Arc would write it ({edit.does})", mend=mend)


def _find_fault(plan: Plan, name: str, edit: Edit, text: str, url: str) -> str:
    """Why what is there cannot work; empty where it can."""
    if name == GIT:
        return _find_gone(text)
    return find_fault(name, text, url) if edit.path == plan.find_hooks(name) else ""


def _find_gone(text: str) -> str:
    """What a git hook calls and is not there; empty where all of it is."""
    own = text.partition(f"# {BEGIN}\n")[2].partition(f"# {END}\n")[0]
    words = shlex.split(own)
    called = [
        word for word, after in zip(words, [*words[1:], ""], strict=True) if after == "-I" or word.endswith(".py")
    ]
    return next((f"{word} is not there any more" for word in called if not Path(word).exists()), "")


def _let_run(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o111)
