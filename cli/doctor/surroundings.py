"""The hub of the folder, and what it stands on."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import arc
from arc.errors import ArcError
from arc.finding.which_hub import HUB_STOPPED, choose_hub
from arc.http import HttpTransport
from arc.hub import ensure_hub
from cli.doctor.findings import Finding

LEAST_FREE_BYTES: Final = 200_000_000
SLOW_SEC: Final = 0.25
AHEAD_SEC: Final = 5.0
ANSWER_SEC: Final = 5.0
"""How long a hub may take to say what it is."""


def find_hub(*, fix: bool) -> tuple[Finding, str]:
    """Whether the folder's hub answers, and where; started when it does not and `fix` is set."""
    try:
        choice = choose_hub()
        HttpTransport(choice.url, ANSWER_SEC).call("GET", "/v1/hub-info")
    except ArcError as error:
        if error.code in {HUB_STOPPED, "timed_out"}:  # to start another beside it would be no help
            return Finding(False, f"hub: {error}"), ""
        if not fix:
            return Finding(False, f"hub: {error}", "arc ensure starts it, and so does arc doctor --fix"), ""
        started = ensure_hub()
        if not started["running"]:
            return Finding(False, f"hub: {started.get('error')}", "see .arc.log beside the storage"), ""
        return Finding(True, f"hub: started at {started['url']}"), str(started["url"])
    if choice.remark:
        return Finding(None, f"hub: answers at {choice.url}, but {choice.remark}"), choice.url
    return Finding(True, f"hub: answers at {choice.url}"), choice.url


def look_around(url: str) -> Iterator[Finding]:
    """The hub's version, storage, disk, clock and speed."""
    hub = HttpTransport(url)
    info: dict[str, Any] = hub.call("GET", "/v1/hub-info")["result"]
    version = info.get("implementation_version")
    same = version == arc.__version__
    yield Finding(
        same,
        f"version: the hub is {version}, this command {arc.__version__}",
        "" if same else "arc stop, then arc ensure",
    )
    problem = info.get("problem")
    yield Finding(
        not problem,
        f"storage: {info['storage_path']}: {problem or 'takes writes'}",
        "arc log verify" if problem else "",
    )
    integrity = info.get("integrity")
    whole = integrity != "damaged"
    yield Finding(whole, f"log: {integrity}", "" if whole else "arc log verify says what is damaged")
    state = info.get("log_state")
    if state:
        safe = bool(state["is_copied"])
        kept = f"log: {state['where']}: {state['durability']}"
        yield Finding(
            safe or None, kept, "" if safe else "have each commit wait for a standby, if it is to survive a disk"
        )
    free = shutil.disk_usage(Path(str(info["storage_path"])).parent).free
    enough = free > LEAST_FREE_BYTES
    yield Finding(
        enough, f"disk: {free // 1_000_000:,} MB free", "" if enough else "make room: a full disk stops the hub"
    )
    began = time.perf_counter()
    now = datetime.now(UTC)
    said = {"from_agent": "doctor", "kind": "notice", "body": "arc doctor was here"}
    posted = hub.call("POST", "/v1/messages", said)["result"]
    took = time.perf_counter() - began
    behind = (now - datetime.fromisoformat(posted["ts"])).total_seconds()
    right = abs(behind) < AHEAD_SEC
    yield Finding(
        right,
        f"clock: the log's differs from this machine's by {abs(behind):.1f} s",
        "" if right else "it is eased toward it; wait",
    )
    quick = took < SLOW_SEC
    yield Finding(
        quick, f"speed: a message was on disk after {took * 1000:.0f} ms", "" if quick else "arc bench says why"
    )
