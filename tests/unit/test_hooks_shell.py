"""What a shell command would do to the work of others is read from its words, however it is spelled."""

import time

import pytest

from api.hooks.shell.deeds import Deed, Unclear
from api.hooks.shell.script import find_deeds

DESTROYING = [
    "git stash",
    "git -C sub stash -u",
    "cd sub && git stash",
    "git stash push -m x",
    "git stash pop",
    "git stash drop",
    "git reset --hard",
    "git reset --hard HEAD~1",
    "git checkout -- .",
    "git checkout .",
    "git checkout src/a.py",
    "git checkout -f main",
    "git restore .",
    "git restore --staged --worktree .",
    "git switch main",
    "git switch -f main",
    "git clean -fdx",
    "git clean -f -d",
    "git rebase main",
    "git pull --rebase",
    "git commit -am x",
    "git add -A",
    "git push -f",
    "git push origin +main",
    "git push --force-with-lease",
    "git branch -D x",
    "pkill python",
    "killall node",
    "sudo pkill -9 python",
    "env X=1 git stash",
    "env -i PATH=$PATH git stash",
    "A=stash; git $A",
    "G=git; $G stash",
    "git $CMD --hard",
    "$GIT stash",
    "bash -c 'git stash'",
    'bash -lc "cd sub && git reset --hard"',
    'sh -c "git $X stash"',
    'eval "git stash"',
    "eval $CMD stash; git x",
    "(git stash)",
    "{ git stash; }",
    "if true; then git stash; fi",
    "echo x | xargs git checkout --",
    "git ls-files -m | xargs git checkout --",
    "timeout 5 git stash",
    "nohup git stash &",
    "true && git stash || git reset --hard",
    "x=$(git stash)",
    'echo "$(git clean -fd)"',
    "`git stash`",
    "bash <<'E'\ngit stash\nE",
    "echo git stash | sh",
    "./x.sh",
    "bash x.sh",
    "source x.sh",
    "git st",
    "git nuke",
    "git -c alias.z=stash z",
    "alias gs='git stash'; gs",
    "\\git stash",
    '"git" "stash"',
    "g''it st''ash",
    "/usr/bin/git stash",
    "command git stash",
    "python -c \"import os; os.system('git stash')\"",
    "find . -name '*.py' -exec git checkout -- {} +",
    "git stash --keep-index",
    "git rebase --abort",
    "git merge --abort",
    "git worktree remove --force ../x",
    "for i in 1; do git stash; done",
    'while read f; do git checkout -- "$f"; done < l',
    "f(){ git stash; }; f",
    "git stash && git pull && git stash pop",
    "kill $(pgrep python)",
    "kill -9 -1",
]

HARMLESS = [
    "git status",
    "git stash list",
    "git stash show -p",
    "git log --grep=stash",
    "git diff",
    'git commit -m "git stash is bad"',
    "git commit -m 'reset --hard'",
    "git add src/a.py",
    "git checkout -b new",
    "git switch -c new",
    "git reset HEAD src/a.py",
    "git restore --staged a.py",
    "git clean -n",
    "git push",
    "git push origin main",
    "git branch -d x",
    'echo "git stash"',
    'grep -rn "git reset --hard" docs',
    "python -m pytest",
    "kill 123",
    "pgrep python",
    "git fetch",
    "git pull",
    "git show HEAD",
    "git rebase --show-current-patch",
    "cat x | grep stash",
    "sed -n 1,3p a",
    "ls",
    "npm run clean",
    "make test",
]


class Tree:
    """A working tree with two scripts and two aliases in it."""

    def read_script(self, _folder: str, path: str) -> str | None:
        return {"x.sh": "git stash\n", "./x.sh": "#!/bin/sh\ngit stash\n"}.get(path)

    def find_alias(self, _folder: str, name: str) -> str | None:
        return {"st": "stash", "nuke": "!git reset --hard"}.get(name)

    def exists(self, _folder: str, path: str) -> bool:
        return path in {".", "src/a.py", "a.py"}


def destroys(script: str) -> bool:
    return any(
        isinstance(deed, Unclear)
        or (deed.kind not in {"write", "patch", "read"} and not (deed.kind == "commit" and deed.paths is not None))
        for deed in find_deeds(script, Tree())
    )


@pytest.mark.parametrize("script", DESTROYING)
def test_a_command_that_can_destroy_the_work_of_others_is_seen(script: str) -> None:
    assert destroys(script)


@pytest.mark.parametrize("script", HARMLESS)
def test_a_harmless_command_is_let_through(script: str) -> None:
    assert not destroys(script)


def test_a_deed_says_where_it_happens_and_what_it_concerns() -> None:
    script = "cd src && git -C ../docs checkout -- 'a b.md' c.md; git stash"
    assert find_deeds(script, Tree()) == [
        Deed("git checkout", "discard", "docs", ("a b.md", "c.md")),
        Deed("git stash", "discard", "src"),
    ]


def test_what_a_subshell_changes_ends_with_it() -> None:
    assert find_deeds("(cd src; git stash); git stash", Tree()) == [
        Deed("git stash", "discard", "src"),
        Deed("git stash", "discard", "."),
    ]


@pytest.mark.parametrize(
    ("script", "paths"),
    [
        ("echo x > out.txt", ("out.txt",)),
        ("cat a 2>/dev/null >> 'my log'", ("my log",)),
        ("sed -i 's/a/b/' src/a.py", ("src/a.py",)),
        ("cp a.py b.py", ("b.py",)),
        ("ls | tee -a list.txt", ("list.txt",)),
        ("mv a.py b.py", ("a.py", "b.py")),
    ],
)
def test_the_files_that_a_command_writes_are_named(script: str, paths: tuple[str, ...]) -> None:
    found = find_deeds(script, Tree())
    assert [deed.paths for deed in found if isinstance(deed, Deed) and deed.kind == "write"] == [paths]


def test_the_files_that_a_command_shows_are_named() -> None:
    assert find_deeds("cd src && head -n 3 a.py | wc -l", Tree()) == [Deed("head", "read", "src", ("3", "a.py"))]


def test_the_files_of_a_patch_are_named() -> None:
    script = "apply_patch <<'E'\n*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py\n*** End Patch\nE"
    assert find_deeds(script, Tree()) == [Deed("apply_patch", "patch", ".", ("a.py", "b.py"))]


def test_a_commit_takes_what_is_staged_or_the_files_that_it_names_or_everything() -> None:
    assert find_deeds("git commit -m x", Tree()) == [Deed("git commit", "commit", ".", (), staged=True)]
    assert find_deeds("git commit -m x -- a.py", Tree()) == [Deed("git commit", "commit", ".", ("a.py",))]
    assert find_deeds("git add .", Tree()) == [Deed("git add", "commit", ".", (".",))]
    assert find_deeds("git commit -am x", Tree()) == [Deed("git commit -a", "commit", ".")]


@pytest.mark.parametrize("script", ["git stash '", 'echo "$(git stash"', "x=`git stash"])
def test_a_destroying_verb_in_a_script_that_cannot_be_read_is_unclear(script: str) -> None:
    (deed,) = find_deeds(script, Tree())
    assert isinstance(deed, Unclear)
    assert deed.verb == "git stash"


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        ("python -c '" + "git " * 20_000 + "'", []),
        ("git " * 1_000_000 + "stash", ["git stash"]),
        ("git " + "push " * 50_000, []),
        ('"$(' * 20_000 + " git stash", ["git stash"]),
        ("pkill x; git stash " + '"$(' * 20_000, ["pkill"]),
    ],
    ids=["a word again and again", "too long", "a verb without its option", "too deep", "the first verb"],
)
def test_a_command_that_nobody_would_write_is_judged_at_once(script: str, seen: list[str]) -> None:
    began_at = time.process_time()
    found = find_deeds(script, Tree())
    assert time.process_time() - began_at < 1
    assert [one.verb for one in found] == seen
