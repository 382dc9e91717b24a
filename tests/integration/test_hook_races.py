"""Races of two agents over one file: with the guard on nothing of anybody's is lost, without it something is.

The long races commit too, with the real git: then nobody's commit takes what another has not committed yet.
"""

import http.client
import json
import random
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.hook_windows import git
from tests.support.served_hub import ServedHub

pytestmark = pytest.mark.timeout(600)

RACES = 1_000
STEPS = 12
STEPS_WITH_COMMITS = 30


class Outcome(NamedTuple):
    """What came of all races: lines that were lost, commits, and lines of another's that those took."""

    lost: int
    commits: int
    taken: int


class Racer:
    """An agent that knows what it read or wrote last, and writes that with a line of its own after it.

    Args:
        hub: the hub that its hooks call.
        folder: where the files are.
        name: its session.
        guarded: whether its hooks judge.
    """

    def __init__(self, hub: ServedHub, folder: Path, name: str, *, guarded: bool) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", hub.port)
        self._mode = "auto" if guarded else "off"
        self._folder = folder
        self.name = name
        self.known: str | None = None
        self.may_write = False
        self.lines = 0
        self.commits = 0
        self.taken = 0

    def hook(self, event: str, path: Path | None = None, tool: str = "Edit") -> str:
        return self._call(event, {} if path is None else {"tool_name": tool, "tool_input": {"file_path": str(path)}})

    def _call(self, event: str, more: dict[str, Any]) -> str:
        body = {"session_id": self.name, "cwd": str(self._folder), "hook_event_name": event, **more}
        self._connection.request("POST", f"/v1/hooks/claude-code?mode={self._mode}", json.dumps(body))
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status == 200, said
        return said.decode()

    def ask(self, path: Path) -> None:
        """The hook before an edit."""
        if self.known is not None and not self.may_write:
            self.may_write = "block" not in self.hook("PreToolUse", path)

    def write(self, path: Path) -> None:
        """The edit itself, if it was let through, and the hook after it."""
        if self.may_write and self.known is not None:
            self.lines += 1
            self.known = f"{self.known}{self.name} {self.lines}\n"
            path.write_text(self.known)
            self.hook("PostToolUse", path)
        self.may_write = False

    def read(self, path: Path) -> None:
        if not self.may_write:
            self.known = path.read_text()
            self.hook("PostToolUse", path, "Read")

    def commit(self, path: Path) -> None:
        """Commit the file, if that is let through, and count what another wrote last that was not committed.

        Who has read what another wrote, and wrote on, commits both: a file belongs to whoever wrote it last.
        """
        command = f"git add {path.name} && git commit -qm race -- {path.name}"
        asked = {"tool_name": "Bash", "tool_input": {"command": command}}
        if self.may_write or not self.lines or "block" in self._call("PreToolUse", asked):
            return
        kept = path.with_suffix(".committed")
        before = set(kept.read_text().splitlines()) if kept.exists() else set()
        there = path.read_text()
        if there and set(there.splitlines()) != before:
            git(self._folder, "add", path.name)
            git(self._folder, "commit", "-qm", "race", "--allow-empty", "--", path.name)
            self.commits += 1
            lines = there.splitlines()
            if not lines[-1].startswith(f"{self.name} "):
                self.taken += sum(not line.startswith(f"{self.name} ") for line in set(lines) - before)
            kept.write_text(there)

    def stop(self, path: Path) -> None:
        if not self.may_write:
            self.hook("Stop")

    def close(self) -> None:
        self._connection.close()


def race(hub: ServedHub, folder: Path, *, guarded: bool, commits: bool = False) -> Outcome:
    """Race a thousand times.

    Args:
        hub: the hub that judges.
        folder: where the files are; a repository, if there are commits.
        guarded: whether the hooks judge.
        commits: whether the agents commit too.
    """
    chance = random.Random(7)  # noqa: S311 - the same races each time
    racers = [Racer(hub, folder, f"{name}-{guarded}", guarded=guarded) for name in ("ada", "bob")]
    for racer in racers:
        racer.hook("SessionStart")
    lost = 0
    for number in range(RACES):
        path = folder / f"{guarded}-{number}.txt"
        path.write_text("")
        for racer in racers:
            racer.known, racer.lines, racer.may_write = None, 0, False
        for _ in range(STEPS_WITH_COMMITS if commits else STEPS):
            racer = chance.choice(racers)
            steps = [racer.ask, racer.write, racer.read, racer.stop, racer.ask, racer.write]
            chance.choice([*steps, racer.commit] if commits else steps)(path)
        there = path.read_text().splitlines()
        wanted = {f"{racer.name} {line}" for racer in racers for line in range(1, racer.lines + 1)}
        lost += len(wanted - set(there))
        for racer in racers:
            racer.may_write = False
            racer.stop(path)
    for racer in racers:
        racer.close()
    return Outcome(lost, sum(racer.commits for racer in racers), sum(racer.taken for racer in racers))


def test_with_the_guard_on_no_edit_is_lost(hub: ServedHub, tmp_path: Path) -> None:
    assert race(hub, tmp_path, guarded=True).lost == 0


def test_the_same_races_lose_edits_without_it(hub: ServedHub, tmp_path: Path) -> None:
    assert race(hub, tmp_path, guarded=False).lost > 0


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("guarded", [True, False])
def test_no_commit_takes_what_another_has_not_committed_unless_the_guard_is_off(
    hub: ServedHub, tmp_path: Path, guarded: bool
) -> None:
    git(tmp_path, "init", "-q")
    outcome = race(hub, tmp_path, guarded=guarded, commits=True)
    said = f"lines lost {outcome.lost}, commits {outcome.commits}, lines of another's in them {outcome.taken}"
    sys.stdout.write(f"{RACES} races {'with' if guarded else 'without'} the guard: {said}\n")
    assert outcome.commits > RACES / 4
    assert (outcome.lost == 0) == guarded
    assert (outcome.taken == 0) == guarded
