"""`arc smoke-agent`: one role of the smoke test, which shows that agents reach each other."""

from arc.defaults import SPOOL_DIR
from cli.arguments import Arguments, Namespace
from cli.options import add_base_url, seconds


class Options(Namespace):
    """Which role, over which transport, and where."""

    role: str
    transport: str
    base_url: str | None
    relay_dir: str
    channel: str
    thread_id: str
    claim_key: str
    timeout_sec: float
    poll_interval_sec: float


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    roles, transports = ("smoke-a", "smoke-b", "smoke-c"), ("http", "relay")
    parser.add_argument("--role", required=True, choices=roles, help="which of the three agents to play")
    parser.add_argument("--transport", required=True, choices=transports, help="how to reach the hub")
    add_base_url(parser)
    parser.add_argument("--relay-dir", default=SPOOL_DIR, metavar="DIR", help="the relay's folder (%(default)s)")
    parser.add_argument("--channel", default="smoke-room", help="the room (%(default)s)")
    parser.add_argument("--thread-id", default="smoke-relay-001", metavar="ID", help="the thread (%(default)s)")
    parser.add_argument("--claim-key", default="smoke-claim-001", metavar="KEY", help="the claim (%(default)s)")
    parser.add_argument(
        "--timeout-sec", type=seconds, default=120.0, metavar="SEC", help="how long to wait for the others (120)"
    )
    parser.add_argument(
        "--poll-interval-sec", type=seconds, default=1.0, metavar="SEC", help="how long one look at the hub waits (1)"
    )


def run(options: Options) -> int:
    """Play the role to its end and say how it went, in the words of Arc 0.1.1."""
    from arc.smoke import SmokeError, run_smoke_agent

    try:
        run_smoke_agent(
            role=options.role,
            transport_name=options.transport,
            base_url=options.base_url,
            relay_dir=options.relay_dir,
            channel=options.channel,
            thread_id=options.thread_id,
            claim_key=options.claim_key,
            timeout_sec=options.timeout_sec,
            poll_interval_sec=options.poll_interval_sec,
        )
    except SmokeError as error:
        print(f"Smoke test failed: {error}")
        return 1
    return 0
