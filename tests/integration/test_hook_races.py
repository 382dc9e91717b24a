"""Races of two agents over one file: with the guard on nothing of anybody's is lost, without it something is."""

import http.client
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.served_hub import ServedHub, served_hub

RACES = 1_000
STEPS = 12


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(tmp_path) as served:
        yield served


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

    def hook(self, event: str, path: Path | None = None, tool: str = "Edit") -> str:
        body: dict[str, Any] = {"session_id": self.name, "cwd": str(self._folder), "hook_event_name": event}
        if path is not None:
            body |= {"tool_name": tool, "tool_input": {"file_path": str(path)}}
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

    def stop(self, path: Path) -> None:
        if not self.may_write:
            self.hook("Stop")

    def close(self) -> None:
        self._connection.close()


def race(hub: ServedHub, folder: Path, *, guarded: bool) -> int:
    """How many lines were lost in all races."""
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
        for _ in range(STEPS):
            racer = chance.choice(racers)
            chance.choice((racer.ask, racer.write, racer.read, racer.stop, racer.ask, racer.write))(path)
        there = path.read_text().splitlines()
        wanted = {f"{racer.name} {line}" for racer in racers for line in range(1, racer.lines + 1)}
        lost += len(wanted - set(there))
        for racer in racers:
            racer.may_write = False
            racer.stop(path)
    for racer in racers:
        racer.close()
    return lost


def test_with_the_guard_on_no_edit_is_lost(hub: ServedHub, tmp_path: Path) -> None:
    assert race(hub, tmp_path, guarded=True) == 0


def test_the_same_races_lose_edits_without_it(hub: ServedHub, tmp_path: Path) -> None:
    assert race(hub, tmp_path, guarded=False) > 0
