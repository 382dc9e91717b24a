"""`arc watch --wake`: run a command whenever an agent is to be called and its harness has no way, or was not heard.

The command has the wake as JSON on its standard input. When it ends well the agent counts as called.
"""

from __future__ import annotations

import subprocess
import sys
import time

from arc.errors import ArcError
from arc.finding.which_hub import choose_hub
from arc.http import HttpTransport
from arc.urls import query, segment
from cli.output import print_note, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from arc.shapes import Wake

WAIT_SEC: Final = 25.0
RETRY_SEC: Final = 2.0
PAUSE_SEC: Final = 0.2
"""The least time between two looks that found nothing: a hub that is stopping lets nobody wait."""
TURN: Final = "watch"


def call_for(agent_id: str, command: str, times: int | None, base_url: str | None) -> int:
    """Call an agent until this is interrupted, or it was called as often as was asked for.

    Args:
        agent_id: the agent.
        command: what calls it.
        times: how often; None without an end.
        base_url: where the hub listens.
    """
    hub = choose_hub(base_url)
    hub.say()
    hub_calls = _Calls(HttpTransport(hub.url, timeout=WAIT_SEC + 10), agent_id)
    left = times
    after = int(hub_calls.read("health")["head"])
    while left is None or left > 0:
        try:
            for wake in hub_calls.list_called():
                if wake["state"] == "requested" and wake["turn"] == TURN:
                    hub_calls.report(wake, done=True)  # told first, since a window may be seen before it ends
                    if not _call(command, wake):
                        hub_calls.report(wake, done=False)
                    left = None if left is None else left - 1
            if left is None or left > 0:
                after = hub_calls.wait(after)
        except ArcError as error:
            print_note(f"arc: {error}; trying again")
            time.sleep(RETRY_SEC)
    return 0


class _Calls:
    """Calls to one hub about one agent."""

    def __init__(self, transport: HttpTransport, agent_id: str) -> None:
        self._transport = transport
        self._agent_id = agent_id

    def read(self, route: str, **asked: Any) -> Any:  # noqa: ANN401 - decoded JSON
        """The result of a read."""
        return self._transport.call("GET", f"/v1/{route}?{query(asked)}")["result"]

    def list_called(self) -> list[Wake]:
        """The wake of the agent that is on its way, if there is one."""
        found: list[Wake] = self.read("wakes", agent_id=self._agent_id, called=1, limit=1)
        return found

    def wait(self, after: int) -> int:
        """Until something becomes of a wake of the agent; the last event that was seen."""
        found = self.read("log", stream=f"wake/{self._agent_id}", after=after, timeout=WAIT_SEC)
        if not found:
            time.sleep(PAUSE_SEC)
        return int(found[-1]["event_id"]) if found else after

    def report(self, wake: Wake, *, done: bool) -> None:
        """Say what came of it."""
        body: dict[str, Any] = {"agent_id": self._agent_id, "turn": TURN, "road": TURN}
        body |= {} if done else {"failed": "refused"}
        self._transport.call("POST", f"/v1/wakes/{segment(str(wake['wake_id']))}/report", body)


def _call(command: str, wake: Wake) -> bool:
    """Whether the command that calls the agent ended well."""
    done = subprocess.run(command, shell=True, input=to_json(wake).encode(), check=False)  # noqa: S602 - a user's own
    sys.stdout.flush()
    if done.returncode:
        print_note(f"arc: the command for wake {wake['wake_id']} ended with {done.returncode}")
    return done.returncode == 0
