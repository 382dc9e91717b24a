"""What a hub loads before it serves: nothing that few hubs ever need, since whoever starts one waits for it."""

import subprocess
import sys

from tests.support.hub_process import CHECKOUT

SELDOM = {"api.mcp.over_http", "concurrent.futures.process", "prometheus_client", "psycopg"}


def test_a_hub_that_starts_loads_nothing_that_few_hubs_need() -> None:
    program = "import sys, cli.hubs.serve, cli.hubs.wiring; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert SELDOM.isdisjoint(done.stdout.split())
