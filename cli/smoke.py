"""`arc smoke`: all three roles of the smoke test against a running hub, over HTTP and over the relay's files.

Or against several hubs of one log: then each role is played at another one, over HTTP.
"""

import sys
import threading
import time
from uuid import uuid4

from arc.defaults import SPOOL_DIR
from arc.finding.relays import find_spool
from arc.finding.storage import Project, working_directory
from arc.finding.which_hub import choose_hub
from cli.arguments import Arguments, Namespace
from cli.options import add_base_url, seconds

ROLES = (("smoke-a", "http"), ("smoke-b", "relay"), ("smoke-c", "http"))
"""Who plays over which road, so that one sentence of the answer is about both."""


class Options(Namespace):
    """Which hub, and where its relay looks for files."""

    base_url: str | None
    hubs: list[str] | None
    spool_dir: str | None
    timeout_sec: float


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_base_url(parser)
    parser.add_argument(
        "--hubs",
        nargs="+",
        metavar="URL",
        help="hubs of one log: each agent is at another one, and the relay is not tried",
    )
    parser.add_argument("--spool-dir", metavar="DIR", help="the relay's folder (that of the folder's hub)")
    parser.add_argument("--timeout-sec", type=seconds, default=30.0, metavar="SEC", help="how long it may take (30)")


def run(options: Options) -> int:
    """Let three agents meet, and say in one line whether they did."""
    if options.hubs:
        places = [(role, "http", options.hubs[n % len(options.hubs)]) for n, (role, _road) in enumerate(ROLES)]
        met = f"at {', '.join(options.hubs)} over HTTP"
    else:
        hub = choose_hub(options.base_url)
        hub.say()
        options.spool_dir = options.spool_dir or find_spool(Project(working_directory()), hub.url)
        places = [(*role, hub.url) for role in ROLES]
        met = f"at {hub.url} over HTTP and the relay"
    failures: dict[str, str] = {}
    run_id = uuid4().hex[:8]
    began_at = time.monotonic()
    agents = [threading.Thread(target=_play, args=(options, run_id, *place, failures)) for place in places]
    for agent in agents:
        agent.start()
    for agent in agents:
        agent.join()
    if failures:
        said = "; ".join(f"{role}: {problem}" for role, problem in sorted(failures.items()))
        unheard = "relay timed out" in said
        advice = f"; no relay looks into {options.spool_dir}: name the hub's own with --spool-dir" if unheard else ""
        print(f"arc error: the smoke test failed: {said}{advice}", file=sys.stderr)
        return 1
    took_sec = time.monotonic() - began_at
    print(f"it works: three agents met {met} in {took_sec:.1f} s")
    return 0


def _play(options: Options, run_id: str, role: str, transport: str, url: str, failures: dict[str, str]) -> None:
    from arc.errors import ArcError
    from arc.smoke import SmokeError, run_smoke_agent

    try:
        run_smoke_agent(
            role=role,
            transport_name=transport,
            base_url=url,
            relay_dir=options.spool_dir or SPOOL_DIR,
            thread_id=f"smoke-{run_id}",
            claim_key=f"smoke-{run_id}",
            timeout_sec=options.timeout_sec,
            poll_interval_sec=0.25,
            aside=True,
        )
    except (SmokeError, ArcError) as error:
        failures[role] = str(error)
