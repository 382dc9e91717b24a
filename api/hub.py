"""The hub itself over HTTP: what it is, its shutdown, and who may reach it."""

import os
from typing import Final, Literal

from msgspec import Struct

from api.http.routes import ChangeRoute, NoBody, NoIds, NoQuery, ReadCaller, ReadResult, ReadRoute, Route
from arclog.deciders.hub import CancelShutdown, ChangeNetwork, InitiateShutdown
from arclog.deciders.messages import MESSAGE_KINDS
from arclog.engine import LogState
from arclog.errors import HubStopping, StorageGone
from arclog.events import GENERAL_CHANNEL
from arclog.sqlite.reads import read_head
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.hub.inspection import Integrity, State
from projections.times import timestamp

PROTOCOL_VERSION: Final = "1"
IMPLEMENTATION: Final = "arclog"
FEATURES: Final = (
    "sse",
    "relay",
    "long_poll_keepalive",
    "subtask_rollup",
    "rpc_kinds",
    "capability_filter",
    "shutdown_control",
    "session_rename",
)
"""What every hub of protocol version 1 offers."""
EXTENSIONS: Final = (
    "as_of",
    "error_codes",
    "event_id",
    "fencing_token",
    "health",
    "idempotency_key",
    "list_after",
    "log",
    "max_bytes",
    "openapi",
    "sse_heartbeat",
    "sse_resume",
    "task_completed_by",
    "thread_since_id",
)
"""What this hub offers beyond it."""


class HubInfo(Struct, frozen=True):
    """What a hub is, and what it takes.

    `pid` is its process, by which `arc stop` knows what to end. `unsafe_filesystem` is the type of the filesystem that
    the storage lies on, if several hubs cannot safely share a storage there. `storage` is `gone` when its files were
    taken away, so that the hub must be started again, and `problem` what keeps it from writing, that or a full disk.
    `authentication` is what calls from other machines need, None where there are none. `log_state` is what is known of
    the log, where that is not the storage itself.
    """

    instance_id: str
    hub_id: str
    pid: int
    protocol_version: str
    implementation: str
    implementation_version: str
    default_channel: str
    max_body_chars: int
    max_attachment_chars: int
    max_attachments: int
    presence_ttl_sec: float
    features: tuple[str, ...]
    extensions: tuple[str, ...]
    message_kinds: tuple[str, ...]
    storage_path: str
    journal_mode: str
    wal_mode: bool
    allow_remote: bool
    integrity: State
    unsafe_filesystem: str | None
    storage: Literal["ok", "failing", "gone"]
    problem: str | None
    authentication: Literal["token", "none"] | None
    log_state: LogState | None


class Health(Struct, frozen=True):
    """How a hub does.

    Attributes:
        status: `ok`; `damaged` when the log is not what was written; `failing` when the last call could not be
            recorded, for want of space perhaps; `gone` when the storage's files were taken away, and the hub must be
            restarted.
        instance_id: the storage's id.
        head: the last event of the log.
        head_at: when it was recorded; None when the storage is gone.
        problem: what keeps the hub from writing, None when nothing does.
        integrity: what the hub has found out about its log.
        log_state: what is known of the log, where that is not the storage itself.
    """

    status: Literal["ok", "damaged", "failing", "gone"]
    instance_id: str
    head: int
    head_at: str | None
    problem: str | None
    integrity: Integrity
    log_state: LogState | None


class Sign(Struct, frozen=True):
    """What an observer asks for: `alive`, or `ready`."""

    status: Literal["alive", "ready"]


class Shutdown(Struct, frozen=True):
    """A shutdown that counts down, in seconds."""

    remaining_sec: int
    delay_sec: int


class InitiatedShutdown(Struct, frozen=True):
    """A shutdown that was begun just now, in seconds."""

    status: str
    remaining_sec: int
    delay_sec: int


class CancelledShutdown(Struct, frozen=True):
    """A shutdown that was called off."""

    status: str


class Network(Struct, frozen=True):
    """Who may reach the hub."""

    allow_remote: bool
    listen_host: str


async def show_hub(hub: Hub, query: NoQuery, reader: ReadCaller) -> ReadResult:
    """What the hub is."""
    settings, limits = hub.settings, hub.settings.limits
    return ReadResult(
        encode_json(
            HubInfo(
                instance_id=hub.instance_id,
                hub_id=hub.hub_id,
                pid=os.getpid(),
                protocol_version=PROTOCOL_VERSION,
                implementation=IMPLEMENTATION,
                implementation_version=settings.version,
                default_channel=GENERAL_CHANNEL,
                max_body_chars=limits.max_body_chars,
                max_attachment_chars=limits.max_attachment_chars,
                max_attachments=limits.max_attachments,
                presence_ttl_sec=hub.presence_ttl_sec,
                features=FEATURES,
                extensions=EXTENSIONS,
                message_kinds=MESSAGE_KINDS,
                storage_path=str(settings.storage.absolute()),
                journal_mode="wal",
                wal_mode=True,
                allow_remote=hub.state.allow_remote,
                integrity=hub.integrity.state,
                unsafe_filesystem=hub.settings.unsafe_filesystem,
                storage=_state_of(hub),
                problem=None if hub.trouble is None else str(hub.trouble),
                authentication=_authentication_of(hub),
                log_state=hub.log_state,
            )
        )
    )


def _authentication_of(hub: Hub) -> Literal["token", "none"] | None:
    if not hub.state.allow_remote:
        return None
    return "none" if hub.settings.network_token is None else "token"


def _state_of(hub: Hub) -> Literal["ok", "failing", "gone"]:
    if hub.trouble is None:
        return "ok"
    return "gone" if isinstance(hub.trouble, StorageGone) else "failing"


async def show_health(hub: Hub, query: NoQuery, reader: ReadCaller) -> ReadResult:
    """How the hub does; whatever but `gone` means that the storage can be read."""
    trouble, integrity = hub.trouble, hub.integrity
    if isinstance(trouble, StorageGone):
        health = Health("gone", hub.instance_id, hub.last_event_id, None, str(trouble), integrity, hub.log_state)
    else:
        head = hub.read(read_head)
        status: Literal["ok", "damaged", "failing"] = "failing" if trouble else "ok"
        health = Health(
            "damaged" if integrity.findings else status,
            hub.instance_id,
            head.event_id,
            timestamp(head.recorded_at),
            None if trouble is None else str(trouble),
            integrity,
            hub.log_state,
        )
    return ReadResult(encode_json(health))


async def show_life(hub: Hub, query: NoQuery, reader: ReadCaller) -> ReadResult:
    """That the hub lives; it answers, so it does."""
    return ReadResult(encode_json(Sign("alive")))


async def show_readiness(hub: Hub, query: NoQuery, reader: ReadCaller) -> ReadResult:
    """That the hub takes calls which change something, as far as it knows; else why not."""
    if hub.closing:
        raise HubStopping
    if hub.trouble is not None:
        raise hub.trouble
    return ReadResult(encode_json(Sign("ready")))


async def show_shutdown(hub: Hub, query: NoQuery, reader: ReadCaller) -> ReadResult:
    """The shutdown that is pending."""
    pending = hub.ending.remaining()
    return ReadResult(b"null" if pending is None else encode_json(Shutdown(*pending)))


def cancel(ids: NoIds, body: NoBody) -> CancelShutdown:
    """The command that calls the shutdown off."""
    return CancelShutdown()


ROUTES: tuple[Route, ...] = (
    ReadRoute(does="Tell what this hub is.", path="/v1/hub-info", query=NoQuery, answer=show_hub, result=HubInfo),
    ReadRoute(
        does="Tell how this hub is doing, and whether its log is what was written.",
        path="/v1/health",
        query=NoQuery,
        answer=show_health,
        result=Health,
    ),
    ReadRoute(
        does="Tell that this hub lives; it needs no token.",
        path="/healthz",
        query=NoQuery,
        answer=show_life,
        result=Sign,
    ),
    ReadRoute(
        does="Tell that this hub takes changes, or answer 503 with what is in their way.",
        path="/readyz",
        query=NoQuery,
        answer=show_readiness,
        result=Sign,
    ),
    ReadRoute(
        does="Tell how long it is until the pending shutdown.",
        path="/v1/shutdown",
        query=NoQuery,
        answer=show_shutdown,
        result=Shutdown | None,
    ),
    ChangeRoute(
        does="Stop this hub after a while.",
        path="/v1/shutdown",
        body=InitiateShutdown,
        result=InitiatedShutdown,
    ),
    ChangeRoute(
        does="Call the pending shutdown off.",
        path="/v1/shutdown/cancel",
        body=NoBody,
        command=cancel,
        result=CancelledShutdown,
    ),
    ChangeRoute(
        does="Take, or no longer take, calls from other machines.",
        path="/v1/network",
        body=ChangeNetwork,
        result=Network,
    ),
)
