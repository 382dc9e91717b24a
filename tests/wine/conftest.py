"""Arc on Windows, as Wine has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.on_port import serving
from tests.support.tools import require_tool
from tests.support.windows_python import WindowsCommand, WindowsPython, end_hubs_below
from tests.support.windows_setup import make_laboratory


@pytest.fixture(scope="session")
def laboratory() -> None:
    """CPython for Windows, ready to run."""
    require_tool("wine", install="apt-get install wine wine64")
    make_laboratory()


@pytest.fixture
def windows(laboratory: None, tmp_path: Path) -> Iterator[WindowsPython]:
    """Python for Windows, in a folder of the test's own; hubs that it starts there are ended."""
    yield WindowsPython(tmp_path)
    end_hubs_below(tmp_path)


@pytest.fixture
def arc(laboratory: None, tmp_path: Path) -> Iterator[WindowsCommand]:
    """The command on Windows, in a folder of the test's own; hubs that it starts there are ended."""
    yield WindowsCommand(tmp_path)
    end_hubs_below(tmp_path)


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of a web server that is no Arc hub."""
    with serving(lambda: None) as port:
        yield port
