"""A hub counts its own work, and tells it as Prometheus reads it."""

import http.client
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from projections.hub.measures import BOUNDS, Durations
from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.relay_thread import get_response, hand_in
from tests.support.served_hub import ServedHub
from tests.support.waiting import wait_until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(port: int) -> Samples:
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.getheader("content-type", "").startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def test_requests_are_counted_by_route_method_and_class_of_status(hub: ServedHub) -> None:
    for _ in range(3):
        hub.say("x")
    hub.post("/v1/messages", {"from_agent": ""})
    hub.get("/v1/log/3")
    hub.get("/v1/log/999999")
    found = scrape(hub.port)
    assert of(found, "arc_requests_total", route="/v1/messages", method="POST", code="2xx") == 3
    assert of(found, "arc_requests_total", route="/v1/messages", method="POST", code="4xx") == 1
    assert of(found, "arc_requests_total", route="/v1/log/{event_id}", method="GET", code="2xx") == 1
    assert of(found, "arc_requests_total", route="/v1/log/{event_id}", method="GET", code="4xx") == 1
    assert of(found, "arc_rejects_total", code="invalid_input") == 1
    assert of(found, "arc_rejects_total", code="not_found") == 1


def test_a_caller_that_leaves_before_its_answer_is_no_fault_of_the_hub(hub: ServedHub) -> None:
    with hub.connect() as connection:
        connection.sendall(b"GET /v1/messages?channel=general&timeout=30 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_until(lambda: of(scrape(hub.port), "arc_waiters") == 1, what="it to wait")
    wait_until(lambda: of(scrape(hub.port), "arc_waiters") == 0, what="it to be given up")
    labels = {"route": "/v1/messages", "method": "GET"}
    found = scrape(hub.port)
    assert of(found, "arc_requests_total", **labels, code="4xx") == 1
    assert of(found, "arc_requests_total", **labels, code="5xx") == 0


@pytest.mark.parametrize("target", ["/v1/stream?agent_id=alice", "/v1/log/stream"])
def test_a_stream_that_its_reader_closes_was_answered(hub: ServedHub, target: str) -> None:
    with hub.connect() as connection:
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % target.encode())
        wait_until(lambda: of(scrape(hub.port), "arc_waiters") == 1, what="it to wait")
    wait_until(lambda: of(scrape(hub.port), "arc_waiters") == 0, what="it to be given up")
    found = scrape(hub.port)
    labels = {"route": target.partition("?")[0], "method": "GET"}
    assert of(found, "arc_requests_total", **labels, code="2xx") == 1
    assert of(found, "arc_requests_total", **labels, code="4xx") == 0


def test_latencies_are_histograms_whose_buckets_grow(hub: ServedHub) -> None:
    for _ in range(5):
        hub.say("x")
    found = scrape(hub.port)
    labels = {"route": "/v1/messages", "method": "POST", "code": "2xx"}
    buckets = [of(found, "arc_request_duration_seconds_bucket", le=le, **labels) for le in (*map(str, BOUNDS), "+Inf")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == of(found, "arc_request_duration_seconds_count", **labels) == 5
    assert 0 < of(found, "arc_request_duration_seconds_sum", **labels) < 60
    assert of(found, "arc_flush_duration_seconds_count") >= 5
    assert of(found, "arc_calls_total") >= 5


def test_what_there_is_now_is_told(hub: ServedHub) -> None:
    hub.post("/v1/sessions", {"agent_id": "a"})
    hub.post("/v1/locks", {"agent_id": "a", "file_path": "a.py"})
    hub.post("/v1/claims", {"owner_agent_id": "a", "claim_key": "k"})
    found = scrape(hub.port)
    assert of(found, "arc_sessions") == of(found, "arc_locks") == of(found, "arc_claims") == 1
    assert of(found, "arc_log_head") == hub.get("/v1/health").result["head"]
    assert of(found, "arc_wal_bytes") > 0
    assert (of(found, "arc_storage_failing"), of(found, "arc_damage_findings")) == (0, 0)
    assert of(found, "process_resident_memory_bytes") > 1_000_000
    assert any(name == "arc_hub_info" for name, _labels in found)


def test_requests_of_the_relay_are_counted(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        request = {"method": "GET", "path": "/v1/channels", "request_id": "r1"}
        hand_in(hub.spool_dir, "ada", "r1", request)
        assert get_response(hub.spool_dir, "ada", "r1")["status"] == 200
        assert of(scrape(hub.port), "arc_relay_requests_total", code="2xx") == 1
    finally:
        hub.stop()


def test_the_library_is_loaded_when_somebody_asks_and_not_before() -> None:
    program = "import sys, json, api.app; print(json.dumps([m for m in sys.modules if m.startswith('prometheus')]))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


def test_each_duration_is_counted_once_where_it_belongs() -> None:
    durations = Durations()
    for took_sec in (0.0, BOUNDS[0], BOUNDS[0] + 1e-9, 1_000.0):
        durations.add(took_sec)
    assert durations.counts[0] == 2
    assert durations.counts[1] == 1
    assert durations.counts[-1] == 1
    assert durations.count == 4


def test_a_storage_that_is_gone_is_told_in_metrics_and_in_one_line_of_json(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path, "--log-format", "json").start()
    try:
        hub.post("/v1/messages", {"from_agent": "a", "body": "x"})
        for end in ("", "-wal", "-shm"):
            Path(f"{hub.storage}{end}").unlink()
        wait_until(lambda: of(scrape(hub.port), "arc_storage_failing") == 1, what="the hub to notice")
    finally:
        hub.stop()
    lines = [json.loads(line) for line in hub.output.splitlines()]
    faults = [line for line in lines if line["level"] == "error"]
    assert len(faults) == 1
    assert "nothing can be recorded" in faults[0]["message"]
    assert set(faults[0]) == {"at", "level", "logger", "message"}
