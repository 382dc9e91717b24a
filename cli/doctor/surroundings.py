"""The hub of the folder, the ways to it, and what it depends on.

Whoever works here is in one of three cases: it reaches the hub over the network (A), only the disk (B), or neither (C).
"""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import arc
from arc.errors import ArcError
from arc.finding.relays import find_spool
from arc.finding.storage import Project
from arc.finding.which_hub import HUB_STOPPED, choose_hub
from arc.http import HttpTransport
from arc.hub import ensure_hub
from arc.spool import FileRelayClient
from cli.doctor.leftovers import look_from_git
from cli.doctor.results import CheckResult

LEAST_FREE_BYTES: Final = 200_000_000
RELAY_SEC: Final = 3.0
SLOW_SEC: Final = 0.25
AHEAD_SEC: Final = 5.0
ANSWER_SEC: Final = 5.0
"""How long a hub may take to say what it is."""


def find_hub(project: Project, *, fix: bool) -> tuple[CheckResult, str]:
    """Whether the folder's hub answers, and where; started when it does not and `fix` is set."""
    try:
        choice = choose_hub()
        HttpTransport(choice.url, ANSWER_SEC).call("GET", "/v1/hub-info")
    except ArcError as error:
        if error.code in {HUB_STOPPED, "timed_out"}:  # starting another beside it would not help
            return CheckResult(False, f"hub: {error}"), ""
        if _ask_relay(project) is not None:
            reached = "hub: the network does not reach it, but the relay does (case B)"
            return CheckResult(None, reached, "write requests as files: arc help use-from-a-sandbox"), ""
        if not fix:
            return CheckResult(False, f"hub: {error}", "arc ensure starts it, and so does arc doctor --fix"), ""
        started = ensure_hub()
        if not started["running"]:
            return CheckResult(False, f"hub: {started.get('error')}", "see .arc.log beside the storage"), ""
        return CheckResult(True, f"hub: started at {started['url']}"), str(started["url"])
    if choice.remark:
        return CheckResult(None, f"hub: answers at {choice.url}, but {choice.remark}"), choice.url
    return CheckResult(True, f"hub: answers at {choice.url} (case A)"), choice.url


def _ask_relay(project: Project, url: str | None = None) -> float | None:
    """How many seconds the relay took for an answer; None when it gave none."""
    spool = Path(find_spool(project, url))
    if not spool.is_dir():
        return None
    began = time.perf_counter()
    answer = FileRelayClient(agent_id="doctor", spool_dir=spool, timeout=RELAY_SEC).call("GET", "/v1/hub-info")
    return time.perf_counter() - began if answer.get("ok") else None


def _look_at_relay(project: Project, url: str) -> CheckResult:
    spool, took = find_spool(project, url), _ask_relay(project, url)
    if took is not None:
        return CheckResult(True, f"relay: answers in {took * 1000:.0f} ms through {spool}")
    absent = not Path(spool).is_dir()
    said = f"relay: {spool} is not here" if absent else f"relay: nobody answers in {spool}"
    return CheckResult(None, said, "only sandboxes without a network need it; the hub makes it when it starts")


def look_around(project: Project, url: str) -> Iterator[CheckResult]:
    """The relay; the hub's version, storage, disk, clock and speed."""
    yield _look_at_relay(project, url)
    hub = HttpTransport(url)
    info: dict[str, Any] = hub.call("GET", "/v1/hub-info")["result"]
    version = info.get("implementation_version")
    same = version == arc.__version__
    yield CheckResult(
        same,
        f"version: the hub is {version}, this command {arc.__version__}",
        "" if same else "arc stop, then arc ensure",
    )
    problem = info.get("problem")
    yield CheckResult(
        not problem,
        f"storage: {info['storage_path']}: {problem or 'takes writes'}",
        "arc log verify" if problem else "",
    )
    integrity = info.get("integrity")
    whole = integrity != "damaged"
    yield CheckResult(whole, f"log: {integrity}", "" if whole else "arc log verify says what is damaged")
    state = info.get("log_state")
    if state:
        safe = bool(state["is_copied"])
        kept = f"log: {state['where']}: {state['durability']}"
        yield CheckResult(
            safe or None, kept, "" if safe else "have each commit wait for a standby, if it is to survive a disk"
        )
    yield from look_from_git(Path(str(info["storage_path"])), Path(find_spool(project, url)).absolute())
    free = shutil.disk_usage(Path(str(info["storage_path"])).parent).free
    enough = free > LEAST_FREE_BYTES
    yield CheckResult(
        enough, f"disk: {free // 1_000_000:,} MB free", "" if enough else "make room: a full disk stops the hub"
    )
    began = time.perf_counter()
    now = datetime.now(UTC)
    said = {"from_agent": "doctor", "kind": "notice", "body": "arc doctor was here"}
    posted = hub.call("POST", "/v1/messages", said)["result"]
    took = time.perf_counter() - began
    behind = (now - datetime.fromisoformat(posted["ts"])).total_seconds()
    right = abs(behind) < AHEAD_SEC
    yield CheckResult(
        right,
        f"clock: the log's differs from this machine's by {abs(behind):.1f} s",
        "" if right else "it is eased toward it; wait",
    )
    quick = took < SLOW_SEC
    yield CheckResult(
        quick, f"speed: a message was on disk after {took * 1000:.0f} ms", "" if quick else "arc bench says why"
    )
