"""The hub as the hooks of git reach it: over HTTP, or where there is no network over the folder's relay.

All calls of one hook together take ten seconds at most: nobody waits longer for a commit.
"""

from __future__ import annotations

import os
import time

from arc.connection import BrokenAnswerError, Connection
from arc.errors import ArcError
from arc.finding.storage import Project
from arc.finding.tokens import BadTokenError, authorization, find_token
from arc.finding.which_hub import VARIABLE, Choice, choose_hub
from arc.hook_over_relay import SESSION_CHARS, TAKEN_WITHIN_SEC
from arc.host_session import find_host_session
from arc.light_json import dumps, loads
from arc.own_agent import VARIABLE as AGENT
from arc.own_agent import find_own_agent
from arc.urls import split_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOBODY = "git"
"""Who commits where no agent does: a person."""
WITHIN_SEC = 4.0
"""How long one call may take over HTTP."""
ALL_WITHIN_SEC = 10.0
AWAY = (ArcError, BadTokenError, BrokenAnswerError, OSError)
"""What is raised where the hub gives no answer."""


class GitHub:
    """The hub of a folder.

    Attributes:
        agent: whose commit it is.
    """

    def __init__(self, road: _OverHttp | _OverRelay) -> None:
        self._road = road
        self._ends_at = time.monotonic() + ALL_WITHIN_SEC
        self.agent = find_own_agent(lambda: self.call("GET", "/v1/agents")) or NOBODY
        road.act_as(self.agent)

    def call(self, method: str, target: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """The result of a call.

        Raises:
            BrokenAnswerError: it was refused.
            OSError: there was no answer in time.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"all of it takes longer than {ALL_WITHIN_SEC:g} s")
        said = self._road.ask(method, target, body, left)
        if not isinstance(said, dict) or not said.get("ok"):
            message = str(said.get("error") if isinstance(said, dict) else said)
            raise BrokenAnswerError(message)
        return said.get("result")

    def close(self) -> None:
        """Call no more."""
        self._road.close()


def find_git_hub(project: Project) -> GitHub | None:
    """The hub of a folder; None where it has none, so that nobody is to be asked.

    Raises:
        ArcError, BadTokenError, BrokenAnswerError, OSError: it has one, which cannot be reached.
    """
    from arc.finding.relays import find_relay

    has_hub = bool(os.environ.get(VARIABLE)) or project.find_storage() is not None
    try:
        road = _OverHttp(choose_hub()) if has_hub else None
    except TimeoutError:
        raise  # there is a network, and git has waited long enough
    except OSError:
        spool = find_relay(project)
        if spool is None:
            raise
        return GitHub(_OverRelay(spool))
    if road is not None:
        return GitHub(road)
    spool = find_relay(project)
    return None if spool is None else GitHub(_OverRelay(spool))


class _OverHttp:
    """Calls on one connection."""

    def __init__(self, hub: Choice) -> None:
        self._authorization = authorization(find_token(hub.storage))
        self._address = split_url(hub.url)
        self._connection = Connection(self._address, WITHIN_SEC)
        self._connection.connect()

    def act_as(self, agent: str) -> None:
        """Nothing: each call says whose it is."""

    def ask(self, method: str, target: str, body: dict[str, Any] | None, _left: float) -> object:
        """What the hub says."""
        content = None if body is None else dumps(body).encode()
        headers = {**self._authorization, "Content-Type": "application/json"}
        return loads(self._connection.ask(method, f"{self._address.prefix}{target}", headers, content).body)

    def close(self) -> None:
        self._connection.close()


class _OverRelay:
    """Calls over a spool: its folder says whose they are, so the first are made in one that the window surely has."""

    def __init__(self, spool: str) -> None:
        window = find_host_session()
        name = NOBODY
        if window is not None:
            name = f"{window.harness}-{window.session[:SESSION_CHARS]}" if window.session else window.name
        self._spool = spool
        self._is_served = False
        self.act_as(os.environ.get(AGENT, "").strip() or name)

    def act_as(self, agent: str) -> None:
        """Make the calls that follow as this agent."""
        from arc.spool import FileRelayClient, RelayTransport

        self._transport = RelayTransport(FileRelayClient(agent_id=agent, spool_dir=self._spool, poll_interval_sec=0.02))

    def ask(self, method: str, target: str, body: dict[str, Any] | None, left: float) -> object:
        """What the hub says.

        Raises:
            ArcError: it refused, no relay took the call in time, or the spool cannot be written.
        """
        within = left if self._is_served else min(left, TAKEN_WITHIN_SEC)
        said = self._transport.call(method, target, body, timeout_override=within)
        self._is_served = True
        return said

    def close(self) -> None:
        """Nothing: a relay keeps no connection."""
