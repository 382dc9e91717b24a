"""What tests of this level begin with: a recorder at a time that the test moves, or a story that was told."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from projections.hub.recorder import Recorder
from tests.support.command import Run, running
from tests.support.fake_time import FakeTime
from tests.support.forked_hub import ForkedHub, forging
from tests.support.hub_process import HubProcess
from tests.support.recorders import recording
from tests.support.served_hub import ServedHub, served_hub
from tests.support.tampering import flip_bit, tampering
from tests.support.told import TASK, tell


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Where the storage is to be; nothing is there yet."""
    return tmp_path / "arc.sqlite3"


@pytest.fixture
def recorder(storage: Path, time: FakeTime) -> Iterator[Recorder]:
    with recording(storage, time) as recorder:
        yield recorder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    """A fresh hub, served by a thread of the test's process."""
    with served_hub(tmp_path) as hub:
        yield hub


@pytest.fixture
def forked_hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A hub that starts in no time: whoever waits for its next start does not wait long, on a busy machine either."""
    with forging() as forge:
        hub = ForkedHub.of(forge, tmp_path)
        yield hub.start()
        hub.stop()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Where a relay's folder is to be; nothing is there yet."""
    return tmp_path / "spool"


@pytest.fixture(params=[True, False], ids=["notified", "looking"])
def notifications(request: pytest.FixtureRequest) -> bool:
    """Whether the kernel tells a relay of files; where it does not, looking must do."""
    return bool(request.param)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the storage of a short story."""
    folder = tmp_path_factory.mktemp("told")
    tell(folder / "arc.sqlite3")
    return folder


@pytest.fixture
def run(told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the folder of the story, and return what it printed."""
    monkeypatch.chdir(told)
    return running(capsys)


@pytest.fixture
def damaged(told: Path, tmp_path: Path) -> Path:
    """The same storage with one event changed."""
    with (
        closing(sqlite3.connect(told / "arc.sqlite3")) as source,
        closing(sqlite3.connect(tmp_path / "damaged.sqlite3")) as copy,
    ):
        source.backup(copy)
    with tampering(tmp_path / "damaged.sqlite3") as connection:
        flip_bit(connection, TASK, "data", 200)
    return tmp_path / "damaged.sqlite3"
