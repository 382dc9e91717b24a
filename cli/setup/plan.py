"""What is edited for what is set up: in one repository, or for all folders of a user.

Some files serve several harnesses: what git passes over, and the instructions. They hold what all of them need that
are set up, so that one can be set up, or taken out, after another.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from arc.finding.repository import Repository
from arc.harnesses import HARNESSES
from cli.setup import git_hooks
from cli.setup.edits import Edit, block
from cli.setup.harnesses import Setting, edits_for
from cli.setup.ledger import Chosen, Ledger, ledger_in, ledger_of_user
from cli.setup.paragraph import paragraphs_for
from cli.setup.places import in_repository, of_user

GIT: Final = "git"
NAMES: Final = (*HARNESSES, GIT)
"""What can be set up."""


class Plan:
    """The edits of one repository, or of a user.

    Args:
        top: the top of the repository, a folder that belongs to none, or the user's home.
        repository: the repository, if there is one.
        is_user: whether it is for all folders of the user.

    Attributes:
        ledger: what was set up there.
    """

    def __init__(self, top: Path, repository: Repository | None, *, is_user: bool = False) -> None:
        self.ledger: Ledger = ledger_of_user(top) if is_user else ledger_in(top, repository)
        self._top = top
        self._repository = repository
        self._is_user = is_user

    def edits_of(self, name: str, chosen: Chosen, url: str) -> list[Edit]:
        """The edits that are one harness's, or git's, alone.

        Args:
            name: the harness, or `git`.
            chosen: how it is to guard.
            url: the hub of the repository; not looked at for a user.
        """
        if name == GIT:
            return git_hooks.edits_for(self._top, closed=chosen.closed) if self._repository is not None else []
        return edits_for(name, Setting(self._top, self._is_user, "" if self._is_user else url, chosen))

    def find_hooks(self, harness: str) -> Path:
        """The file that has a harness's hooks."""
        return (of_user if self._is_user else in_repository)(harness, self._top).hooks

    def shared_edits(self, names: Iterable[str]) -> list[Edit]:
        """The edits of files that serve several harnesses, for those that are set up."""
        harnesses = [name for name in HARNESSES if name in set(names)]
        if self._is_user or not harnesses:
            return []
        edits = list(paragraphs_for(set(harnesses), self._top))
        if self._repository is not None:
            edits.append(self._kept_from_git(harnesses, Path(self._repository.shared)))
        return edits

    def all_edits(self, url: str) -> list[tuple[str, Edit]]:
        """Each edit of what is set up, and whose it is."""
        chosen: Mapping[str, Chosen] = self.ledger.chosen
        own = [(name, edit) for name, how in chosen.items() for edit in self.edits_of(name, how, url)]
        return own + [("setup", edit) for edit in self.shared_edits(chosen)]

    def _kept_from_git(self, harnesses: list[str], git: Path) -> Edit:
        """Files that name this machine or a port: git passes over them, unless it has them already."""
        hooks = [in_repository(name, self._top).hooks.relative_to(self._top).as_posix() for name in harnesses]
        put, take = block("\n".join(f"/{name}" for name in hooks), "# ")
        return Edit(git / "info" / "exclude", put, take, "what names this machine stays out of git")
