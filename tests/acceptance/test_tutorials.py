"""The tutorials do what they say: what they tell you to type is typed, and what they say that it prints is compared."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT

TUTORIALS = sorted((CHECKOUT / "docs" / "tutorial").glob("*.md"))
STEP = re.compile(r"^```sh\n(?P<typed>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```)?", flags=re.MULTILINE | re.DOTALL)
NEW_STEP = "-- step --"
# So that it notes nobody's presence meanwhile, on a machine that is slow: what a page prints has ids of events in it.
ENSURE = "command arc ensure --port 0 --presence-ttl-sec 86400"
HUB = f'\narc() {{ if [ "$1" = ensure ]; then {ENSURE}; else command arc "$@"; fi; }}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for storage in {note.parent for note in tmp_path.rglob(".arc.pid")}:
        subprocess.run([sys.executable, CHECKOUT / "arc", "stop"], cwd=storage, capture_output=True, check=False)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_prints_what_it_says(page: Path, folder: Path) -> None:
    steps = list(STEP.finditer(page.read_text(encoding="utf-8")))
    script = HUB + "".join(f"{step['typed']}echo '{NEW_STEP}'\n" for step in steps)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARC_", "GIT_"))}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert not re.search(r"^(arc error|usage|bash):", done.stderr, flags=re.MULTILINE), done.stderr
    printed = done.stdout.split(f"{NEW_STEP}\n")
    for step, said in zip(steps, printed, strict=False):
        if step["printed"] is not None:
            assert matches(step["printed"], said), f"{step['typed']}\nprinted\n{said}"


def matches(expected: str, printed: str) -> bool:
    """Whether a text is the expected one; `…` stands for anything, and blanks at the ends of lines do not count."""
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    pattern = "\n".join(line.rstrip() for line in pattern.splitlines())
    return re.fullmatch(pattern, "\n".join(lines), flags=re.DOTALL) is not None
