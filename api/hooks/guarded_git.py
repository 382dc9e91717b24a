"""What git and the disk say of a working tree: what is not committed, what a commit would take, what a script says."""

import asyncio
import hashlib
import os
import re
from pathlib import Path
from typing import Final

from arclog.errors import ArcError

WITHIN_SEC: Final = 3.0
MAX_SCRIPT_BYTES: Final = 100_000
DIGEST_CHARS: Final = 16
MAX_FILE_BYTES: Final = 4_000_000
"""A larger file is not hashed."""
_SECTION: Final = re.compile(r'^\s*\[\s*([\w.-]+)(?:\s+"[^"]*")?\s*\]')
_SETTING: Final = re.compile(r"^\s*([\w-]+)\s*=\s*(.*?)\s*$")


async def list_changed(folder: str) -> list[str]:
    """The files that differ from the last commit, or that git does not know, absolute; none where git cannot say."""
    top = await find_top(folder)
    said = await _git(folder, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return [os.path.join(top, entry[3:]) for entry in said.split("\0") if len(entry) > 3] if top else []  # noqa: PLR2004, PTH118


async def list_staged(folder: str) -> list[str]:
    """The files that a commit would take now, absolute."""
    top = await find_top(folder)
    said = await _git(folder, "diff", "--cached", "--name-only", "--no-renames", "-z")
    return [os.path.join(top, name) for name in said.split("\0") if name] if top else []  # noqa: PTH118


async def list_changed_between(folder: str, before: str, after: str) -> list[str]:
    """The files in which two commits differ, absolute; none where git cannot say."""
    top = await find_top(folder)
    said = await _git(folder, "diff", "--name-only", "--no-renames", "-z", before, after, "--")
    return [os.path.join(top, name) for name in said.split("\0") if name] if top else []  # noqa: PTH118


async def find_commit(folder: str) -> str:
    """What is checked out; empty where nothing is committed yet."""
    return (await _git(folder, "rev-parse", "--verify", "-q", "HEAD")).strip()


async def find_top(folder: str) -> str:
    """The top of a working tree; empty where there is none."""
    return (await _git(folder, "rev-parse", "--show-toplevel")).rstrip("\n")


async def _git(folder: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "-C",
            folder,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
    except OSError:
        return ""
    try:
        said, _ = await asyncio.wait_for(process.communicate(), WITHIN_SEC)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise GitSilent(folder) from None
    return said.decode(errors="surrogateescape") if process.returncode == 0 else ""


def digest_of(path: str) -> str:
    """The start of the SHA-256 of a file, in hex; empty where it is too long or cannot be read."""
    try:
        if os.path.getsize(path) > MAX_FILE_BYTES:  # noqa: PTH202
            return ""
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:DIGEST_CHARS]
    except OSError:
        return ""


class GitSilent(ArcError):
    """git did not answer in time, so that a command could not be judged."""

    code = "internal"

    def __init__(self, folder: str) -> None:
        super().__init__(f"git gave no answer in {folder} within {WITHIN_SEC:g} s")


class Disk:
    """The files around a command, for `api.hooks.shell`."""

    def read_script(self, folder: str, path: str) -> str | None:
        return _read(Path(folder, path))

    def exists(self, folder: str, path: str) -> bool:
        try:
            return Path(folder, path).exists()
        except (OSError, ValueError):
            return False

    def find_alias(self, folder: str, name: str) -> str | None:
        """An alias from the configuration of the repository, or the user's."""
        for above in (Path(folder), *Path(folder).parents):
            if (above / ".git").is_dir():
                found = _alias_in(_read(above / ".git" / "config"), name)
                if found is not None:
                    return found
                break
        own = (Path.home() / ".gitconfig", Path.home() / ".config" / "git" / "config")
        return next((found for file in own if (found := _alias_in(_read(file), name)) is not None), None)


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SCRIPT_BYTES).decode(errors="replace") if path.is_file() else None
    except (OSError, ValueError):
        return None


def _alias_in(config: str | None, name: str) -> str | None:
    section = ""
    for line in (config or "").splitlines():
        heading = _SECTION.match(line)
        if heading:
            section = heading[1].lower()
        elif section == "alias" and (setting := _SETTING.match(line)) and setting[1].lower() == name.lower():
            return setting[2].strip('"')
    return None
