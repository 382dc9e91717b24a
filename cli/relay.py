"""`arc relay`: carry requests between files and a hub that runs elsewhere. A hub serves its own spool by itself."""

import asyncio
import logging
from typing import Final

from arc.defaults import SPOOL_DIR
from arc.finding.tokens import BadTokenError, authorization, find_token
from arc.finding.which_hub import choose_hub
from arc.urls import split_url
from arclog.limits import RELAY_POLL_INTERVAL_SEC, RELAY_REQUEST_TIMEOUT_SEC
from cli.arguments import Arguments
from cli.errors import CommandFailed
from cli.event_loop import hearing_the_end, new_event_loop
from cli.options import OWNER, SpoolOptions, add_base_url, add_spool_options, seconds
from cli.paths import working_directory
from relay.relay import Relay
from relay.remote import HttpSend
from relay.spool import Spool

log: Final = logging.getLogger("arc")


class Options(SpoolOptions):
    """Which spool, and which hub."""

    base_url: str | None
    poll_interval_sec: float
    request_timeout_sec: float


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_base_url(parser)
    add_spool_options(parser)
    parser.add_argument(
        "--poll-interval-sec",
        type=seconds,
        default=RELAY_POLL_INTERVAL_SEC,
        metavar="SEC",
        help="the longest pause between two looks at the folder (0.25)",
    )
    parser.add_argument(
        "--request-timeout-sec",
        type=seconds,
        default=RELAY_REQUEST_TIMEOUT_SEC,
        metavar="SEC",
        help="how long the hub may take (30)",
    )


def run(options: Options) -> int:
    """Serve until SIGTERM or Ctrl-C; 0 after a good end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(options))
    return 0


async def _serve(options: Options) -> None:
    hub = choose_hub(options.base_url)
    hub.say()
    try:
        headers = authorization(find_token(hub.storage))
        send = HttpSend(
            hub.url,
            request_timeout_sec=options.request_timeout_sec,
            headers=headers,
            verify=not split_url(hub.url).loopback,
        )
    except (ValueError, BadTokenError) as error:
        raise CommandFailed(str(error)) from None
    spool = Spool(working_directory() / (options.spool_dir or SPOOL_DIR), options.spool_mode or OWNER)
    relay = Relay(spool, send, poll_interval_sec=options.poll_interval_sec)
    serving = asyncio.create_task(relay.run())
    told_to_end = asyncio.Event()
    with hearing_the_end(told_to_end.set):
        log.info("the relay carries %s to %s", spool.path, hub.url)
        ending = asyncio.create_task(told_to_end.wait())
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
    if not serving.done():
        await relay.aclose()
    await send.aclose()
    try:
        await serving
    except OSError as error:
        raise CommandFailed(f"the relay's folder {spool.path} cannot be used: {error.strerror or error}") from error
    log.info("stopped")
