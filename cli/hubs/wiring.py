"""A hub wired: socket, storage, application, relay and note, brought up in this order and down in the other."""

import asyncio
import errno
import gc
import logging
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from api.app import create_app
from api.hooks.absence import tell_absence
from api.http.inprocess import call
from api.http.listening import listen
from api.http.server import Tls, serve
from arc import __version__
from arc.finding.kept_options import write_options
from arc.finding.notes import NAME as NOTE
from arc.finding.notes import remove_note, write_note
from arc.finding.probe import NotAHubError, find_hub_at
from arc.finding.processes import read_network
from arc.finding.repository import find_repository
from arc.urls import HIGHEST_PORT, is_loopback, url_of
from arclog.deciders.fields import Limits
from arclog.engine import RemoteEngine
from arclog.errors import LogAway, StorageError
from arclog.postgresql.opening import open_log
from arclog.proof.findings import Finding
from cli.errors import CommandFailed
from cli.event_loop import new_event_loop
from cli.hubs.addresses import lan_url
from cli.hubs.bus_error import tell_bus_error
from cli.hubs.certificate import check_certificate
from cli.hubs.mounts import find_unsafe_filesystem
from cli.hubs.network_token import NetworkToken, line_for_clients, settle_token
from cli.hubs.settings import HubSettings
from cli.progress import ProgressBar
from projections.hub.hub import Hub
from projections.hub.measures import Measures
from projections.hub.roots import Tree
from projections.hub.settings import Settings
from relay.erasing import erase_in
from relay.relay import Relay
from relay.spool import Spool

log: Final = logging.getLogger("arc")
TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EACCES} if sys.platform == "win32" else {errno.EADDRINUSE})
"""What a port that another process has is refused with; on Windows, one that the system has reserved too."""
OTHER_PORTS: Final = 200
"""How many ports after the usual one are tried for a hub whose port nobody named."""
ASK_SEC: Final = 1.0
"""How long what listens on the usual port may take to say what it is."""


def run_hub(settings: HubSettings) -> None:
    """Run a hub and its relay until a signal or a shutdown ends them.

    The socket listens from the first moment, so a caller that comes while tables are rebuilt waits instead of being
    refused.

    Args:
        settings: how.

    Raises:
        CommandFailed: the address cannot be used.
        StorageError: the storage cannot be used.
    """
    token = settle_token(settings)
    check_certificate(settings)
    tell_bus_error(settings.storage)
    with _listen(settings) as sock, asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(settings, sock, token))


@contextmanager
def _listen(settings: HubSettings) -> Iterator[socket.socket]:
    if not is_loopback(settings.host) and not settings.allow_remote:
        raise CommandFailed(
            f"{settings.host} can be reached from other machines: add --allow-remote if that is meant; "
            "their calls then need a token, which the hub makes"
        )
    with _bind(settings) as sock:
        yield sock


def _bind(settings: HubSettings) -> socket.socket:
    """A socket on the port that was asked for, or, where none was, on the first free one from the usual port on."""
    host, first = settings.host, settings.port
    last = first if settings.port_given or first == 0 else min(first + OTHER_PORTS, HIGHEST_PORT)
    for port in range(first, last + 1):
        try:
            sock = listen(host, port)
        except OSError as error:
            if error.errno not in TAKEN:
                raise CommandFailed(f"cannot listen on port {port} of {host}: {error.strerror or error}") from error
            continue
        if port != first:
            log.warning("port %d is taken%s: this hub listens on %d", first, _by_whom(host, first), port)
        return sock
    ports = f"port {first} of {host} is" if first == last else f"the ports {first} to {last} of {host} are"
    raise CommandFailed(f"{ports} taken: choose another with --port, or stop what listens there")


def _by_whom(host: str, port: int) -> str:
    try:
        hub = find_hub_at(url_of(host, port), ASK_SEC)
    except NotAHubError:
        hub = None
    return f" by the hub of {hub.storage}" if hub else ""


async def _serve(settings: HubSettings, sock: socket.socket, token: NetworkToken | None) -> None:
    port = sock.getsockname()[1]
    storage, url = settings.storage, url_of(settings.host, port, secure=bool(settings.tls_cert))
    remote = _open_log(settings)
    limits = Limits(settings.max_body_chars, settings.max_attachment_chars, settings.max_attachments, settings.secrets)
    hub = Hub(
        Settings(
            storage=storage,
            limits=limits,
            presence_ttl_sec=settings.presence_ttl_sec,
            host=settings.host,
            port=port,
            allow_remote=settings.allow_remote,
            loopback=is_loopback(settings.host),
            version=__version__,
            network_token=None if token is None else token.hash,
            rate=settings.rate,
            max_connections=settings.max_connections,
            max_open_calls=settings.max_open_calls,
            proxies=frozenset(address.strip() for address in settings.proxy_headers.split(",") if address.strip()),
            unsafe_filesystem=find_unsafe_filesystem(storage.parent),
            root=Path(settings.root),
            find_tree=_find_tree,
        ),
        remote=remote,
    )
    with ProgressBar("rebuilding") as progress:
        rebuilt = await hub.start(url, progress)
    for finding in hub.integrity.findings:
        _warn_of_damage(finding)
    hub.alarms.on_damage.append(_warn_of_damage)
    hub.alarms.on_trouble.append(_warn_of_trouble)
    if hub.presence_ttl_sec != hub.settings.presence_ttl_sec:
        log.warning(
            "the presence TTL is %g s, as on the hubs that already run on %s, not %g s",
            hub.presence_ttl_sec,
            storage,
            hub.settings.presence_ttl_sec,
        )
    if rebuilt:
        log.info("rebuilt from the log: %s", ", ".join(rebuilt))
    app = create_app(hub)
    spool = Spool(settings.spool_dir, settings.spool_mode)
    hub.erasing.on_erased.append(lambda texts, ids: asyncio.to_thread(erase_in, spool, texts, ids))
    async with _relay(app, spool, limits, hub.measures) as relay:
        with _noted(settings, hub, port, url):
            log.info("the hub of %s listens on %s", storage, url)
            _tell_of_network(settings, port, token)
            # What a start has made stays too.
            gc.collect()
            gc.freeze()
            tls = Tls(settings.tls_cert, settings.tls_key) if settings.tls_cert else None
            telling = asyncio.ensure_future(tell_absence(hub))
            await serve(hub, app, sock, relay.aclose, tls=tls)
            telling.cancel()
    log.info("stopped")


def _open_log(settings: HubSettings) -> RemoteEngine | None:
    """The log that the storage is a copy of; one that is not there is made for a hub that has no storage yet."""
    if not settings.log:
        return None
    has_copy = settings.storage.exists()
    try:
        remote = open_log(settings.log, make=not has_copy, may_be_away=has_copy)
    except LogAway as away:
        raise CommandFailed(
            f"the log cannot be reached, and {settings.storage} is not a copy of it that could be served meanwhile: "
            f"{away.why}"
        ) from None
    state = remote.state
    if not state.log_id:
        log.warning("the log at %s cannot be reached; its copy here is served until it is back", state.where)
        return remote
    log.log(logging.INFO if state.is_copied else logging.WARNING, "the log is at %s: %s", state.where, state.durability)
    return remote


def _tell_of_network(settings: HubSettings, port: int, token: NetworkToken | None) -> None:
    elsewhere = lan_url(settings.host, port, secure=bool(settings.tls_cert))
    if token is not None:
        log.info("for other machines: %s", line_for_clients(elsewhere or "<the URL of the proxy>", token.source))
    elif settings.allow_remote:
        log.warning(
            "anybody who reaches this hub%s can do everything, without a token (--no-auth)",
            f" at {elsewhere}" if elsewhere else "",
        )


def _warn_of_damage(finding: Finding) -> None:
    log.warning("the log is damaged: %s; see arc log verify", finding.text)


def _warn_of_trouble(error: StorageError | None) -> None:
    if error is None:
        log.warning("calls are recorded again")
    else:
        log.error("nothing can be recorded, and callers get an error: %s", error)


def _find_tree(folder: str) -> Tree | None:
    found = find_repository(folder)
    return None if found is None else Tree(found.top, found.shared)


@contextmanager
def _noted(settings: HubSettings, hub: Hub, port: int, url: str) -> Iterator[None]:
    """While this lasts, a note says where the hub is; the first hub of a storage also has its options kept."""
    storage, kept = str(settings.storage), settings.to_keep(port)
    started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    about = {"port": port, "url": url, "storage": storage, "instance_id": hub.instance_id, "started_at": started_at}
    note = write_note(storage, {**about, "network": read_network(), "options": kept})
    try:
        if note.endswith(NOTE):
            write_options(storage, kept)
        yield
    finally:
        remove_note(note)


@asynccontextmanager
async def _relay(app: ASGIApp, spool: Spool, limits: Limits, measures: Measures) -> AsyncIterator[Relay]:
    """While this lasts, what lies in the spool is carried to the hub."""

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        answer = await call(app, method, path, body, headers.items(), "relay")
        measures.relay[f"{answer.status // 100}xx"] += 1
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
