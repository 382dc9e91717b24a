"""Where anchors are kept: in git notes, which are pushed and fetched like branches, or in a file."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from arc.finding.repository import find_repository
from arclog.proof.anchors import Anchor, Kept, encode_anchor, parse_anchors
from cli.errors import CommandFailed

REF: Final = "refs/notes/arc"
GIT: Final = "git:"
"""How a place in a repository begins; a file's is its path."""
GIT_SEC: Final = 60.0


def repository_of(storage: Path) -> str | None:
    """The place of anchors in the git repository that a storage lies in; None where there is none."""
    found = find_repository(str(storage.resolve().parent))
    return None if found is None or shutil.which("git") is None else f"{GIT}{found.top}"


def keep(anchor: Anchor, place: str) -> None:
    """Keep an anchor.

    Raises:
        CommandFailed: it cannot be kept there.
    """
    line = encode_anchor(anchor)
    if place.startswith(GIT):
        done = _git(place, "notes", f"--ref={REF}", "append", "-m", line, "HEAD")
        if done.returncode:
            raise CommandFailed(f"git could not note the anchor: {done.stderr.strip()}")
        return
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    except OSError as error:
        raise CommandFailed(f"cannot write {place}: {error.strerror}") from error


def look_into(place: str) -> Kept:
    """The anchors that are kept in a place."""
    text = _read_notes(place) if place.startswith(GIT) else _read_file(place)
    return Kept(place, None if text is None else parse_anchors(text))


def _read_file(place: str) -> str | None:
    try:
        return Path(place).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _read_notes(place: str) -> str | None:
    """What all notes say; None where there is no such repository."""
    if shutil.which("git") is None or not Path(place[len(GIT) :]).is_dir():
        return None
    listed = _git(place, "notes", f"--ref={REF}", "list")
    if listed.returncode:
        return None
    blobs = [line.split()[0] for line in listed.stdout.splitlines()]
    return "\n".join(_git(place, "cat-file", "blob", blob).stdout for blob in blobs)


def _git(place: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["git", "-C", place[len(GIT) :], *arguments],  # noqa: S607 - the git that the user has
        capture_output=True,
        text=True,
        errors="replace",
        timeout=GIT_SEC,
        check=False,
    )
