"""A hub that stood still (Ctrl-Z, a paused container) heard nobody meanwhile, and blames nobody for it."""

import os
import signal
import threading
import time
from pathlib import Path

from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

TTL_SEC = 5
FROZEN_SEC = 8


def test_a_hub_that_was_frozen_for_longer_than_the_ttl_takes_nothing_from_agents_that_called(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path, "--presence-ttl-sec", str(TTL_SEC))
    hub.start()
    try:
        for agent in ("caller", "gone"):
            hub.post("/v1/sessions", {"agent_id": agent})
            hub.post("/v1/locks", {"agent_id": agent, "file_path": agent, "ttl_sec": 300})
        done = threading.Event()

        def call_every_second() -> None:
            while not done.wait(1):
                hub.get("/v1/events?agent_id=caller", timeout=FROZEN_SEC + 20)

        calling = threading.Thread(target=call_every_second)
        calling.start()
        try:
            assert hub.process is not None
            os.kill(hub.process.pid, signal.SIGSTOP)
            time.sleep(FROZEN_SEC)  # how long it stands still is what is tried
            os.kill(hub.process.pid, signal.SIGCONT)
            assert [agent["agent_id"] for agent in hub.get("/v1/agents").result] == ["caller", "gone"]
            wait_until(
                lambda: [agent["agent_id"] for agent in hub.get("/v1/agents").result] == ["caller"],
                within_sec=3 * TTL_SEC,
                what="the end of the agent that does not call",
            )
        finally:
            done.set()
            calling.join()
        held = {lock["file_path"] for lock in hub.get("/v1/locks?active_only=1").result}
        assert held == {"caller"}
        ends = hub.get("/v1/log?type=session.expired").result
        assert [end["data"]["agent_id"] for end in ends] == ["gone"]
    finally:
        hub.stop()
