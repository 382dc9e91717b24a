"""What a hub promises, promised on a log on PostgreSQL too: the suites played there, with one hub and with three."""

import os
import re
import subprocess
import sys
from typing import Final

import pytest

from tests.support.hub_process import CHECKOUT
from tests.support.postgresql import needs_postgresql

RECORDERS: Final = (
    "answers", "attempts", "batches", "keys", "leases", "leaving", "presence", "refusals", "silence", "tasks", "wakes",
)  # fmt: skip
HUBS: Final = ("life", "presence", "reading", "waiting", "writing")
BY_HTTP: Final = (
    "api_answers", "api_batch", "api_mutations", "identity", "lease_waiting", "mcp_delivery", "preconditions",
    "questions", "receipts", "tasks", "wakes",
)  # fmt: skip
BY_CALL_ALONE: Final = ("api_batch", "api_mutations", "preconditions", "questions", "receipts", "tasks")
"""Those that never look into a storage or wait on a connection: three hubs can stand for one."""


def files(*names: str) -> list[str]:
    return [f"tests/integration/test_{name}.py" for name in names]


def play(hubs: int, suites: list[str]) -> str:
    """Run suites on a log on PostgreSQL; what their last line says."""
    needs_postgresql()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suites],
        cwd=CHECKOUT,
        env=os.environ | {"ARC_TEST_LOG": "postgresql", "ARC_TEST_HUBS": str(hubs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return next(line for line in reversed(done.stdout.splitlines()) if re.match(r"\d+ passed", line))


@pytest.mark.outer
@pytest.mark.timeout(600)
def test_keys_leases_and_answers_are_on_postgresql_what_they_are_on_a_file() -> None:
    sys.stdout.write(play(1, files("recorder_keys", "recorder_leases", "recorder_answers", "hub_writing")) + "\n")


@pytest.mark.outer
@pytest.mark.timeout(600)
def test_three_hubs_in_turn_answer_as_one_does() -> None:
    sys.stdout.write(play(3, files("api_mutations")) + "\n")


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_every_suite_on_postgresql_with_one_hub() -> None:
    recorders = [f"recorder_{name}" for name in RECORDERS]
    sys.stdout.write(play(1, files(*recorders, *(f"hub_{name}" for name in HUBS), *BY_HTTP)) + "\n")


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_every_suite_on_postgresql_with_three_hubs() -> None:
    sys.stdout.write(play(3, files(*BY_CALL_ALONE)) + "\n")
