"""The built distribution, the wheel in an environment of its own, and a repository that gets in its way."""

import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.hub_process import CHECKOUT

HUB_FOLDERS = ["api", "arclog", "cli", "projections", "relay"]


@dataclass(frozen=True)
class Distribution:
    """What `python -m build` made of this checkout."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel, and nothing of this checkout on its path."""

    python: Path
    arc: Path


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """The sdist of this checkout, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, CHECKOUT)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return Distribution(wheel, sdist)


@pytest.fixture(scope="session")
def environment(distribution: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel, installed. What it depends on is lent by the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", distribution.wheel)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    # Only folders named in a .pth file join the path, not the .pth files in them: this checkout's
    # editable install stays out.
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Environment(python, folder / "bin" / "arc")


@pytest.fixture
def hostile_repository(tmp_path: Path) -> Path:
    """A user's repository whose own modules have the names of the hub's folders, and that of a standard module."""
    repository = tmp_path / "repository"
    for name in HUB_FOLDERS:
        (repository / name).mkdir(parents=True)
        (repository / name / "__init__.py").write_text(f"raise SystemExit('imported {name} of the repository')\n")
    (repository / "json.py").write_text("raise SystemExit('imported json of the repository')\n")
    return repository
