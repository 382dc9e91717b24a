"""Paths of the command line."""

from pathlib import Path


def path_of(text: str) -> Path:
    """A path of the command line, from the working directory, without steps up that would have to be read."""
    path = working_directory() / text
    return path.parent.resolve() / path.name if ".." in path.parent.parts else path


def working_directory() -> Path:
    """The working directory; `/` when it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")
