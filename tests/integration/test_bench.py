"""`arc bench`: the measuring of a machine, and what it makes of the figures."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.arguments import Arguments
from cli.bench import command, measuring
from cli.bench.command import Length, Options, Result
from cli.errors import CommandFailed
from tests.support.hub_process import HubProcess

FINE = Result("here", 0.5, 2.0, 4000.0, 3.0, 9.0, 900.0, 1.0, 3.0, 1.5, 4.0)


SHORT = Length(flush_sec=0.1, warm_up_sec=0.1, many_sec=0.2, one_sec=0.1, wakes=5)
"""A measuring of less than two seconds."""


def options(folder: Path, *arguments: str) -> Options:
    declared, found = Arguments(), Options()
    command.add_arguments(declared)
    declared.parse("arc bench", "", ["--folder", str(folder), *arguments], found)
    return found


def test_a_trial_measures_and_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(options(tmp_path, "--json"), SHORT) == 0
    result = json.loads(capsys.readouterr().out)
    assert result.pop("folder") == str(tmp_path)
    assert all(value > 0 for value in result.values())
    assert list(tmp_path.iterdir()) == []


def test_a_trial_posts_nothing_at_a_hub_that_runs_in_the_folder(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub()
    assert command.run(options(hub.home, "--json"), SHORT) == 0
    assert hub.get("/v1/messages?channel=general").result == []


def test_people_see_each_figure_beside_what_is_normal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(options(tmp_path), SHORT) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert len(lines) == 4
    assert all("p99" in line and "normal: " in line for line in lines)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone"):
        command.run(options(tmp_path / "gone"))


def test_a_hub_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "arc.sqlite3").write_text("this is no storage " * 100)
    with pytest.raises(CommandFailed, match="not an Arc storage"), measuring.running_hub(tmp_path):
        pass


def test_a_machine_that_is_fast_enough_is_told_so() -> None:
    assert command._assess(FINE) == ["All of it is as it should be."]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"flush_p50_ms": 0.001}, "may be lost in a power cut"),
        ({"flush_p50_ms": 25.0, "posts_alone_per_sec": 30.0}, "The disk is slow to flush"),
        ({"posts_per_sec": 300.0}, "keeps the processor busy"),
        ({"wake_p50_ms": 40.0}, "keeps the processor busy"),
    ],
)
def test_what_is_not_normal_is_named_with_its_cause(change: dict[str, float], says: str) -> None:
    (sentence,) = command._assess(FINE._replace(**change))  # type: ignore[arg-type]
    assert says in sentence
