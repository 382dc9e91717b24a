"""A hub wired: socket, storage, application, relay and note, brought up in this order and down in the other."""

import asyncio
import errno
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop
from starlette.types import ASGIApp

from api.app import create_app
from api.http.inprocess import call
from api.http.server import listen, serve
from arc import __version__
from arclog.deciders.fields import Limits
from arclog.proof.findings import Finding
from cli.errors import CommandFailed
from cli.hubs.addresses import is_loopback, url_of
from cli.hubs.filesystems import find_unsafe_filesystem
from cli.hubs.pid_file import remove_pid_file, write_pid_file
from cli.options import HubOptions
from cli.output import ProgressBar
from cli.paths import working_directory
from projections.hub.hub import Hub, Settings
from relay.relay import Relay
from relay.spool import Spool

log: Final = logging.getLogger("arc")


def run_hub(options: HubOptions) -> None:
    """Run a hub and its relay until a signal or a shutdown ends them.

    The socket listens from the first moment, so whoever comes while tables are rebuilt waits instead of being refused.

    Args:
        options: how; `storage` is absolute.

    Raises:
        CommandFailed: the address cannot be used.
        StorageError: the storage cannot be used.
    """
    with _listen(options) as sock, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options, Path(options.storage), sock))


@contextmanager
def _listen(options: HubOptions) -> Iterator[socket.socket]:
    host, port = options.host, options.port
    if not is_loopback(host) and not options.allow_remote:
        raise CommandFailed(
            f"{host} can be reached from other machines, and whoever reaches the hub can do everything: "
            "add --allow-remote if that is meant"
        )
    try:
        sock = listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandFailed(
                f"port {port} of {host} is taken: choose another with --port, or stop what listens there"
            ) from error
        raise CommandFailed(f"cannot listen on port {port} of {host}: {error.strerror or error}") from error
    with sock:
        yield sock


async def _serve(options: HubOptions, storage: Path, sock: socket.socket) -> None:
    port = sock.getsockname()[1]
    url = url_of(options.host, port)
    limits = Limits(options.max_body_chars, options.max_attachment_chars, options.max_attachments)
    hub = Hub(
        Settings(
            storage=storage,
            limits=limits,
            presence_ttl_sec=options.presence_ttl_sec,
            host=options.host,
            port=port,
            allow_remote=options.allow_remote,
            loopback=is_loopback(options.host),
            version=__version__,
            unsafe_filesystem=find_unsafe_filesystem(storage.parent),
        )
    )
    with ProgressBar("rebuilding") as progress:
        rebuilt = await hub.start(url, progress)
    for finding in hub.integrity.findings:
        _warn_of_damage(finding)
    hub.on_damage.append(_warn_of_damage)
    if rebuilt:
        log.info("rebuilt from the log: %s", ", ".join(rebuilt))
    app = create_app(hub)
    async with _relay(app, Spool(working_directory() / options.spool_dir, options.spool_mode), limits) as relay:
        with _noted(storage, hub, port, url):
            log.info("the hub of %s listens on %s", storage, url)
            # What is here now stays until the end: the collector need not look through it again and again.
            gc.collect()
            gc.freeze()
            await serve(hub, app, sock, relay.aclose)
    log.info("stopped")


def _warn_of_damage(finding: Finding) -> None:
    log.warning("the log is damaged: %s; see arc log verify", finding.text)


@contextmanager
def _noted(storage: Path, hub: Hub, port: int, url: str) -> Iterator[None]:
    """While this lasts, `.arc.pid` says where the hub is."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    write_pid_file(storage, port=port, url=url, instance_id=hub.instance_id, started_at=started_at)
    try:
        yield
    finally:
        remove_pid_file(storage, os.getpid())


@asynccontextmanager
async def _relay(app: ASGIApp, spool: Spool, limits: Limits) -> AsyncIterator[Relay]:
    """While this lasts, what lies in the spool is carried to the hub."""

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        answer = await call(app, method, path, body, headers.items(), "relay")
        return answer.status, answer.body

    relay = Relay(spool, send, max_request_bytes=limits.max_request_bytes)
    task = asyncio.create_task(_run_relay(relay, spool))
    try:
        yield relay
    finally:
        await relay.aclose()
        await task


async def _run_relay(relay: Relay, spool: Spool) -> None:
    try:
        await relay.run()
    except OSError as error:
        log.warning("no relay: its folder %s cannot be used: %s", spool.path, error.strerror or error)
