"""The command in a folder of the test's own, and somebody else on a port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.arc_command import ArcCommand, end_hubs_below
from tests.support.on_port import serving


@pytest.fixture
def arc(tmp_path: Path) -> Iterator[ArcCommand]:
    """The command, in a folder of the test's own; hubs that it starts there are ended."""
    arc = ArcCommand(tmp_path)
    yield arc
    arc.end()
    end_hubs_below(tmp_path)


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of a web server that is no Arc hub."""
    with serving(lambda: None) as port:
        yield port
