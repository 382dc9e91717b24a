"""The hub itself over HTTP: what it is, its shutdown, and who may reach it."""

import os
from typing import Final, Literal

from msgspec import Struct

from api.http.routes import Change, Found, NoBody, NoIds, NoQuery, Read, Reader, Route
from arclog.deciders.hub import CancelShutdown, ChangeNetwork, InitiateShutdown
from arclog.deciders.messages import MESSAGE_KINDS
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
    the storage lies on, if several hubs cannot safely share a storage there.
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


class Health(Struct, frozen=True):
    """How a hub does.

    Attributes:
        status: `ok`, or `damaged` when the log is not what was written.
        instance_id: the storage's id.
        head: the last event of the log.
        head_at: when it was recorded.
        integrity: what the hub has found out about its log.
    """

    status: Literal["ok", "damaged"]
    instance_id: str
    head: int
    head_at: str
    integrity: Integrity


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


async def show_hub(hub: Hub, query: NoQuery, reader: Reader) -> Found:
    """What the hub is."""
    settings, limits = hub.settings, hub.settings.limits
    return Found(
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
                presence_ttl_sec=settings.presence_ttl_sec,
                features=FEATURES,
                extensions=EXTENSIONS,
                message_kinds=MESSAGE_KINDS,
                storage_path=str(settings.storage.absolute()),
                journal_mode="wal",
                wal_mode=True,
                allow_remote=hub.state.allow_remote,
                integrity=hub.integrity.state,
                unsafe_filesystem=hub.settings.unsafe_filesystem,
            )
        )
    )


async def show_health(hub: Hub, query: NoQuery, reader: Reader) -> Found:
    """How the hub does; an answer at all means that the storage can be read."""
    head, integrity = hub.read(read_head), hub.integrity
    status: Literal["ok", "damaged"] = "damaged" if integrity.findings else "ok"
    return Found(encode_json(Health(status, hub.instance_id, head.event_id, timestamp(head.recorded_at), integrity)))


async def show_shutdown(hub: Hub, query: NoQuery, reader: Reader) -> Found:
    """The shutdown that is pending."""
    pending = hub.remaining()
    return Found(b"null" if pending is None else encode_json(Shutdown(*pending)))


def cancel(ids: NoIds, body: NoBody) -> CancelShutdown:
    """The command that calls the shutdown off."""
    return CancelShutdown()


ROUTES: tuple[Route, ...] = (
    Read(does="Tell what this hub is.", path="/v1/hub-info", query=NoQuery, answer=show_hub, result=HubInfo),
    Read(
        does="Tell how this hub does, and whether its log is what was written.",
        path="/v1/health",
        query=NoQuery,
        answer=show_health,
        result=Health,
    ),
    Read(
        does="Tell how long it is until the pending shutdown.",
        path="/v1/shutdown",
        query=NoQuery,
        answer=show_shutdown,
        result=Shutdown | None,
    ),
    Change(
        does="Stop this hub after a while.",
        path="/v1/shutdown",
        body=InitiateShutdown,
        result=InitiatedShutdown,
    ),
    Change(
        does="Call the pending shutdown off.",
        path="/v1/shutdown/cancel",
        body=NoBody,
        command=cancel,
        result=CancelledShutdown,
    ),
    Change(
        does="Take, or no longer take, calls from other machines.",
        path="/v1/network",
        body=ChangeNetwork,
        result=Network,
    ),
)
