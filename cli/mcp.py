"""`arc mcp`: one agent's tools for an MCP host, over the standard streams.

The host starts it and ends it. While it runs its agent has a session; when the host closes the stream, or ends the
process with SIGTERM or SIGINT, the session ends too. A hub that is away ends nothing: tools say so until it is back.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from cli.options import AgentOptions, add_base_url

if TYPE_CHECKING:
    from api.mcp.agent_session import AgentSession

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
DEFAULT_AGENT: Final = "mcp-client"
LEAVE_WITHIN_SEC: Final = 2.0
SERVER_FAULT: Final = 500


class Options(AgentOptions):
    """Who speaks to which hub."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--agent", default=DEFAULT_AGENT, metavar="ID", help="who speaks; one id for each host (%(default)s)"
    )
    add_base_url(parser)


def run(options: Options) -> int:
    """Serve the host until it leaves."""
    # What anything prints must not come between the messages, so it goes to the standard error.
    sink = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    for descriptor in (STDIN, sink):
        with contextlib.suppress(OSError):  # one that is closed is met as the end of the stream
            os.set_blocking(descriptor, True)  # a host that shares its end may have set it otherwise
    return asyncio.run(_serve(options, STDIN, sink))


async def _serve(options: Options, source: int, sink: int) -> int:
    from api.mcp.agent_session import AgentSession
    from api.mcp.port import Refused
    from arc.http import HttpTransport
    from cli.hub_port import HubPort

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    session = AgentSession(options.agent, HubPort(HttpTransport(options.base_url)))
    try:
        try:
            await session.take()
        except Refused as refused:
            print(f"arc error: {refused}", file=sys.stderr)
            if refused.status < SERVER_FAULT:  # it will not get better by waiting
                return 1
        from api.mcp.over_stdio import serve
        from arc import __version__

        await serve(session, __version__, source, sink, stop)
    finally:
        await _leave(session)
    return 0


async def _leave(session: "AgentSession") -> None:
    from api.mcp.port import Refused

    with contextlib.suppress(Refused, TimeoutError):  # the hub ends the session of an agent that is silent
        async with asyncio.timeout(LEAVE_WITHIN_SEC):
            await session.leave()
