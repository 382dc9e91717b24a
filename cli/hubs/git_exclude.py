"""In a git repository the hub keeps its files out of sight: they are named in `.git/info/exclude`, which is not shared.

So `git status` shows the user's work alone, nobody commits a storage, and `git clean` leaves a running hub its files,
and what it saved when they were taken away.
"""

import os
from pathlib import Path
from typing import Final

from arc.finding.kept_options import options_file
from arc.finding.notes import NAME as NOTE
from arc.finding.repository import find_repository
from arc.finding.tokens import token_file

HEADING: Final = "# The files of Arc's hub"
GIT_WITHIN_SEC: Final = 5.0


def keep_out_of_sight(storage: Path, spool: Path) -> str:
    """Let git pass over a hub's files, unless it does so already.

    Args:
        storage: the hub's database, absolute.
        spool: the relay's folder, absolute.

    Returns:
        What was done, to be told once; empty when there was nothing to do, or it could not be done.
    """
    seen = _look(storage, spool)
    if seen is None:
        return ""
    exclude, missing, is_new = seen
    try:
        exclude.parent.mkdir(exist_ok=True)
        lines = ([HEADING] if is_new else []) + missing
        gap = "\n" if exclude.exists() and exclude.read_bytes()[-1:] not in {b"", b"\n"} else ""
        with exclude.open("a", errors="surrogateescape") as file:
            file.write(gap + "".join(f"{line}\n" for line in lines))
    except OSError:
        return ""
    return f"git ignores the hub's files from now on: they are named in {exclude}"


def is_in_sight(storage: Path, spool: Path) -> bool:
    """Whether git would show a hub's files as somebody's work; the arguments are those of `keep_out_of_sight`."""
    return _look(storage, spool) is not None


def _look(storage: Path, spool: Path) -> tuple[Path, list[str], bool] | None:
    """What keeps a hub's files out of sight and is not there: where, which lines, and whether the heading too."""
    repository = find_repository(str(storage.parent))
    if repository is None:
        return None
    top, git = Path(repository.top), Path(repository.shared)
    wanted, files = [], []
    if storage.is_relative_to(top) and not storage.is_relative_to(git):
        place = storage.parent.relative_to(top)
        here = "/" if place == Path() else f"/{_escaped(place.as_posix())}/"
        wanted = [f"{here}{_escaped(storage.name)}", f"{here}{_escaped(storage.name)}-*", f"{here}.arc.*"]
        saved = f"{storage.stem}.rescued-"
        wanted.append(f"{here}{_escaped(saved)}*")
        files = [storage, storage.with_name(f"{storage.name}-wal"), storage.with_name(saved), storage.parent / NOTE]
        beside = (Path(options_file(str(storage))).name, Path(token_file(str(storage))).name)
        wanted += [f"{here}{_escaped(name)}" for name in beside if not name.startswith(".arc.")]
    if spool.is_relative_to(top):
        wanted.append(f"/{_escaped(spool.relative_to(top).as_posix())}/")
        files.append(spool / "requests")
    exclude = git / "info" / "exclude"
    try:
        present = exclude.read_text(errors="surrogateescape").splitlines() if exclude.exists() else []
    except OSError:
        return None
    missing = [line for line in wanted if line not in present]
    return (exclude, missing, HEADING not in present) if missing and not _are_ignored(top, files) else None


def _escaped(text: str) -> str:
    """A path as a pattern of git that matches it alone."""
    return "".join(f"\\{char}" if char in "\\*?[!# " else char for char in text)


def _are_ignored(top: Path, files: list[Path]) -> bool:
    """Whether git ignores all of them already; no, where git cannot be asked."""
    import subprocess  # takes as long to load as a hub that runs takes to be found

    command = ["git", "-C", str(top), "check-ignore", "--", *map(str, files)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_WITHIN_SEC,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return len(done.stdout.splitlines()) == len(files)
