"""Files that hooks name in working trees that lie within one another, as some harnesses make them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arc.finding.repository import find_repository
from projections.hub.roots import Roots, Tree
from tests.support.hook_windows import Window, git, make_tree
from tests.support.served_hub import ServedHub, served_hub


def find_tree(folder: str) -> Tree | None:
    found = find_repository(folder)
    return None if found is None else Tree(found.top, found.shared)


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "outer", "src/a.py")


@pytest.fixture(params=["trees/fix", ".claude/worktrees/fix"])
def inner(outer: Path, request: pytest.FixtureRequest) -> Path:
    """A working tree of the same repository, below the first."""
    folder = outer / str(request.param)
    git(outer, "worktree", "add", "-q", str(folder))
    return folder


@pytest.fixture
def hub(outer: Path) -> Iterator[ServedHub]:
    with served_hub(outer, root=outer, find_tree=find_tree) as hub:
        yield hub


def test_a_file_of_an_inner_tree_is_stale_after_another_window_there_wrote_it(hub: ServedHub, inner: Path) -> None:
    ada, bob = Window(hub, inner, "session-ada"), Window(hub, inner, "session-bob")
    name = ada.start()
    bob.start()
    assert ada.edit("src/a.py") == ""
    ada.stop()
    assert f"was written by {name}" in bob.edit("src/a.py")


def test_the_same_file_of_an_inner_and_an_outer_tree_is_two_files_for_hooks(
    hub: ServedHub, outer: Path, inner: Path
) -> None:
    ada, bob = Window(hub, inner, "session-ada"), Window(hub, outer, "session-bob")
    ada.start()
    bob.start()
    assert ada.edit("src/a.py") == ""
    assert bob.edit("src/a.py") == ""
    held = {lock["key"] for lock in hub.get("/v1/locks?active_only=1").result}
    assert held == {f"//{outer}//src/a.py".replace("////", "///"), f"//{inner}//src/a.py".replace("////", "///")}


def test_a_path_has_the_key_that_a_longer_look_gives_it(
    outer: Path, inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outer / "link").symlink_to(outer / "src")
    roots, looked = Roots(outer, find_tree), Roots(outer, find_tree)
    monkeypatch.setattr(looked, "_find_plain", lambda *_asked: None)
    for path in ("src/a.py", "link/a.py", "new/b.py", "src/../src/a.py", f"{inner.relative_to(outer)}/src/a.py"):
        for spelled in (path, str(outer / path), f"{outer}//{path}"):
            for tree in (False, True):
                assert roots.key_of("path", spelled, tree=tree) == looked.key_of("path", spelled, tree=tree), spelled
