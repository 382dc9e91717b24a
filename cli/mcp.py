"""`arc mcp`: one agent's tools for an MCP host, over the standard streams.

The host starts it and ends it. While it runs its agent has a session; when the host closes the stream, or ends the
process with SIGTERM, SIGINT or SIGHUP, the session ends too. A hub that is away ends nothing: tools say so until it is
back. The host is answered at once, and the agent registered meanwhile.

An agent that was given no name gets one of its host's session, so that each window is an agent of its own.
"""

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

from api.mcp.port import Port
from cli.arguments import Arguments
from cli.event_loop import hearing_the_end
from cli.options import RegisteringOptions, add_base_url, add_parent

if TYPE_CHECKING:
    from arclog.events import JsonObject
    from cli.waking.window import Waking

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
UNKNOWN_HOST: Final = "mcp"
LEAVE_WITHIN_SEC: Final = 2.0
RETRY_SEC: Final = 5.0
"""How soon a hub that was not there is looked for again."""
SERVER_FAULT: Final = 500
THREAD_META: Final = "x-codex-turn-metadata"
"""Where Codex says with each call which thread it is of."""


class Options(RegisteringOptions):
    """Who speaks to which hub."""


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument(
        "--agent", metavar="ID", help="who speaks; by default a name for each session of the host, as in claude-3f2a"
    )
    add_parent(parser)
    add_base_url(parser)


def run(options: Options) -> int:
    """Serve the host until it leaves."""
    from arc.errors import ArcError
    from arc.http import HttpTransport
    from arclog.deciders import fields
    from arclog.errors import InvalidInput
    from cli.errors import CommandFailed

    try:
        transport = HttpTransport(options.base_url)
        if options.agent is not None:
            options.agent = fields.agent("agent", options.agent)
    except (ArcError, InvalidInput) as error:
        raise CommandFailed(str(error)) from None
    # What anything prints must not come between the messages, so it goes to the standard error.
    sink = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    for descriptor in (STDIN, sink):
        _make_blocking(descriptor)
    from cli.http_port import HttpPort

    return asyncio.run(_Adapter(options.agent, HttpPort(transport), options.parent).serve(STDIN, sink))


class _Adapter:
    """What stands between a host and a hub.

    Args:
        agent: the agent's name, if it was given one.
        port: carries its calls.
        parent: the agent whose sub-agent it is, if it was told so.
    """

    def __init__(self, agent: str | None, port: Port, parent: str | None = None) -> None:
        from api.mcp.agent_session import AgentSession
        from arc.host_session import ONE_SERVER_A_THREAD, HostSession, find_host_session, is_dead

        found = find_host_session()
        host = HostSession(UNKNOWN_HOST, None, os.getpid()) if found is None else found
        self._knows_thread = True
        self._thread_id: str | None = None
        if host.harness in ONE_SERVER_A_THREAD and host.session is None:
            # The process serves one thread, which is known only when the first call comes.
            host = HostSession(host.harness, None, os.getpid())
            self._knows_thread = agent is not None
        host.adapter = os.getpid()
        self._harness = host.harness
        self._stop = asyncio.Event()
        self._registered = asyncio.Event()
        self._may_register = asyncio.Event()
        if self._knows_thread:
            self._may_register.set()
        self._session = AgentSession(agent or host.name, port, host, is_dead, parent=parent)
        self._port = port
        self._waking: Waking | None = None

    async def serve(self, source: int, sink: int) -> int:
        """Serve the host until it leaves."""
        from api.mcp.over_stdio import serve
        from arc import __version__

        attending = asyncio.create_task(self._attend())
        with hearing_the_end(self._stop.set):
            try:
                await serve(
                    self._session, __version__, source, sink, self._stop, registered=self._registered, meet=self._meet
                )
            finally:
                await self._leave()
                attending.cancel()
                if self._waking is not None:
                    self._waking.end()
        return 0

    def _meet(self, meta: "JsonObject", is_tool: bool) -> None:
        """Learn from a call which thread of the host it is of; from a tool's at the latest."""
        if self._knows_thread:
            return
        from arc.host_session import name_sub_agent, of_thread

        thread_id, root = _find_thread(meta, "thread_id"), _find_thread(meta, "session_id")
        if thread_id is not None:
            host = of_thread(self._harness, thread_id, adapter=os.getpid())
            self._session.host, self._session.agent_id = host, host.name
            if root is not None and root != thread_id:
                parent = of_thread(self._harness, root, adapter=os.getpid()).name
                self._session.parent, self._session.agent_id = parent, name_sub_agent(parent, thread_id)
            self._thread_id = thread_id
        elif not is_tool:
            return
        self._knows_thread = True
        self._may_register.set()

    async def _attend(self) -> None:
        """Register the agent, and keep its session alive for as long as its host runs."""
        from api.mcp.port import HubRefused

        await self._may_register.wait()
        said = False
        while True:
            try:
                if self._registered.is_set():
                    await self._session.beat()
                else:
                    await self._session.ensure_registered()
                    self._registered.set()
                    await self._let_wake()
                pause_sec = await self._session.read_beat_sec()
            except HubRefused as refused:
                if not said:
                    print(f"arc error: {refused}", file=sys.stderr)
                said = True
                pause_sec = RETRY_SEC
            await asyncio.sleep(pause_sec)

    async def _let_wake(self) -> None:
        """From now on the agent can be woken, where its harness has a way for that."""
        if self._waking is None:
            from cli.waking.window import begin

            self._waking = await begin(self._port, lambda: self._session.agent_id, self._thread_id)

    async def _leave(self) -> None:
        from api.mcp.port import HubRefused

        with contextlib.suppress(HubRefused, TimeoutError):  # the hub ends the session of an agent that is silent
            async with asyncio.timeout(LEAVE_WITHIN_SEC):
                await self._session.leave()


def _find_thread(meta: "JsonObject", name: str) -> str | None:
    """The thread that a call is of, or with `session_id` the one that began it all; None where it is not said."""
    said = meta.get(THREAD_META)
    if isinstance(said, str):
        import json

        with contextlib.suppress(ValueError):
            said = json.loads(said)
    thread_id = said.get(name) if isinstance(said, dict) else None
    return thread_id if isinstance(thread_id, str) and thread_id else None


if sys.platform == "win32":

    def _make_blocking(descriptor: int) -> None:
        """Nothing: there every pipe that a host gives is so."""

else:

    def _make_blocking(descriptor: int) -> None:
        """Have reads and writes wait; a host that shares its end may have set it otherwise."""
        with contextlib.suppress(OSError):  # one that is closed is met as the end of the stream
            os.set_blocking(descriptor, True)
