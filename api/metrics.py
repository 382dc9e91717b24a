"""Metrics over HTTP, as Prometheus reads them.

The numbers are kept by the hub (`projections.hub.measures`) and put into Prometheus' form when it asks. The library for
that is loaded when it asks first, since most hubs are never asked.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.routes import NoQuery, Route, Site, SpecialRoute
from arclog.errors import StorageError
from arclog.sqlite.snapshot import Snapshot, together
from projections import claims, locks, sessions
from projections.hub.hub import Hub
from projections.hub.measures import BOUNDS, Durations
from projections.intervals import live

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

PATH: Final = "/metrics"
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
GAUGES: Final = {
    "queue_calls": "Calls that wait for the next transaction.",
    "wal_bytes": "The size of the write-ahead log.",
    "log_head": "The last event of the log, as far as this hub has seen it.",
    "log_lag_seconds": "How long ago a log elsewhere was heard from; 0 for one in the storage itself.",
    "search_lag_events": "Events that are not in the index of words yet.",
    "waiters": "Calls that wait: for messages, for events, for a task, or for a claim or a lock.",
    "remote_connections": "Connections from other machines over which a call was let in.",
    "remote_open_calls": "Calls of other machines that have no answer yet.",
}


class Counts(Struct, frozen=True):
    """How many of what there are now."""

    sessions: int
    locks: int
    claims: int


def start(site: Site) -> ASGIApp:
    """The endpoint."""
    registry: list[CollectorRegistry] = []
    collector = Collector(site.hub)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest

        if not registry:
            registry.append(CollectorRegistry())
            for usual in (ProcessCollector, PlatformCollector):
                usual(registry=registry[0])
            registry[0].register(collector)
        try:
            collector.counts = await site.hub.read_on_thread(together(_count), site.hub.clock.now())
        except StorageError:  # which the other numbers tell
            collector.counts = None
        body = generate_latest(registry[0])
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return serve


def _count(snapshot: Snapshot, now: int) -> Counts:
    at = live(now)
    return Counts(
        len(snapshot.read(sessions.list_live)),
        len(snapshot.read(locks.list_standing, at)),
        len(snapshot.read(claims.list_standing, at)),
    )


class Collector:
    """Gives the numbers of a hub in Prometheus' form.

    Args:
        hub: the hub.

    Attributes:
        counts: what was counted for this answer; None where the storage cannot be read.
    """

    def __init__(self, hub: Hub) -> None:
        self.counts: Counts | None = None
        self._hub = hub

    def collect(self) -> "Iterator[Metric]":
        """Every metric."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        hub, measures, counts = self._hub, self._hub.measures, self.counts
        yield InfoMetricFamily(
            "arc_hub",
            "Which hub this is.",
            {"version": hub.settings.version, "hub_id": hub.hub_id, "instance_id": hub.instance_id},
        )
        yield from self._requests()
        rejects = CounterMetricFamily("arc_rejects", "Requests that were refused, by error code.", labels=["code"])
        for code, count in sorted(measures.rejects.items()):
            rejects.add_metric([code], count)
        yield rejects
        relay = CounterMetricFamily("arc_relay_requests", "Requests that came from files.", labels=["code"])
        for code, count in sorted(measures.relay.items()):
            relay.add_metric([code], count)
        yield relay
        yield CounterMetricFamily("arc_calls", "Calls that were judged in transactions.", measures.calls)
        yield _histogram("arc_flush_duration_seconds", "How long it took to flush a transaction.", measures.flushes)
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(f"arc_{name}", text, measures.gauges[name]())
        yield GaugeMetricFamily(
            "arc_storage_failing", "Whether the last transaction could not be kept.", int(hub.trouble is not None)
        )
        yield GaugeMetricFamily(
            "arc_damage_findings", "What is damaged in the log and its tables.", len(hub.integrity.findings)
        )
        if counts is not None:
            yield GaugeMetricFamily("arc_sessions", "Agents with a live session.", counts.sessions)
            yield GaugeMetricFamily("arc_locks", "Paths that are locked.", counts.locks)
            yield GaugeMetricFamily("arc_claims", "Claims that are held.", counts.claims)

    def _requests(self) -> "Iterator[Metric]":
        from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

        labels = ["route", "method", "code"]
        requests = CounterMetricFamily("arc_requests", "Requests over HTTP that were answered.", labels=labels)
        took = HistogramMetricFamily(
            "arc_request_duration_seconds", "How long requests took, what they waited for included.", labels=labels
        )
        for key, durations in sorted(self._hub.measures.requests.items()):
            requests.add_metric(key, durations.count)
            took.add_metric(key, _buckets(durations), durations.total_sec)
        yield requests
        yield took


def _histogram(name: str, text: str, durations: Durations) -> "Metric":
    from prometheus_client.metrics_core import HistogramMetricFamily

    return HistogramMetricFamily(name, text, buckets=_buckets(durations), sum_value=durations.total_sec)


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """How many took no longer than each bound, as Prometheus has it: those before it are counted again."""
    reached, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), durations.counts, strict=True):
        reached += count
        buckets.append((bound, reached))
    return buckets


ROUTES: tuple[Route, ...] = (
    SpecialRoute(
        does="Tell how busy the hub is, as Prometheus reads it.",
        path=PATH,
        query=NoQuery,
        media_type="text/plain",
        start=start,
    ),
)
