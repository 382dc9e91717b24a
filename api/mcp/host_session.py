"""The session of the host that an agent works in, as far as the agent's session at the hub is named and found by it."""

from collections.abc import Mapping
from typing import Any, Protocol

from arclog.events import JsonObject


class HostSession(Protocol):
    """The session of the host that an agent works in, as `arc.host_session.HostSession` is one."""

    @property
    def name(self) -> str:
        """The name of its agent, if it was not given one."""
        ...

    def to_metadata(self) -> JsonObject:
        """What the agent's session at the hub says of it."""
        ...

    def to_process(self) -> JsonObject | None:
        """The process that lives as long as the session; None where the system does not tell of it."""
        ...

    def is_same(self, said: Mapping[str, Any]) -> bool:
        """Whether metadata speak of this session."""
        ...
