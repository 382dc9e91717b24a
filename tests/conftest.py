"""Fixtures of all levels, and the rule that nothing is skipped where `ARC_CI=1`."""

import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import in_turn, shared_log
from tests.support.hub_process import HubProcess
from tests.support.ports import find_free_port
from tests.support.postgresql import Server, needs_postgresql, new_log, serving

# What `make test` tries is the same in every run, and no failure where the machine is slow; `make soak` searches on.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    return find_free_port()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., HubProcess]]:
    """Start hubs: `start_hub("--presence-ttl-sec", "5")`. Hubs of one test share one storage and one spool."""
    started: list[HubProcess] = []

    def start(*options: str, **environment: str) -> HubProcess:
        hub = HubProcess.at(tmp_path, *options, **environment)
        for ended in started:
            if ended.process is None:
                in_turn.leave(ended)
        hub = in_turn.join(hub)
        started.append(hub)
        return hub.start()

    yield start
    for hub in started:
        hub.stop()
        in_turn.leave(hub)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of git without a commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    return folder


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A fresh hub that answers, with an empty storage."""
    return start_hub()


@pytest.fixture(scope="session", autouse=True)
def _shared_logs() -> Iterator[None]:
    """The servers of `tests.support.shared_log` end with the tests."""
    yield
    shared_log.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server with an empty database; skipped by name where there is none."""
    with serving(needs_postgresql()) as server:
        yield server


@pytest.fixture
def log_url(server: Server) -> str:
    """Where a new log is, as the role that hubs have."""
    return new_log(server)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests are played on a log on PostgreSQL, leave out those that are about the log in one file."""
    if shared_log.IS_PLAYED:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("one_file")])
        items[:] = [item for item in items if not item.get_closest_marker("one_file")]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where `ARC_CI=1`, turn a skip into a failure: a green run must not hide a tool that nobody installed."""
    if os.environ.get("ARC_CI") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, and ARC_CI=1 allows no skip: {reason}"
