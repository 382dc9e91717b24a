"""The rules of a log: hubs of several versions may serve it, and must judge alike."""

from typing import ClassVar

from msgspec import Struct

from arclog.events.messages import SYSTEM


class RulesRaised(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """From here on the log follows rules of this `number`, which Arc knows since `version`."""

    type: ClassVar[str] = "rules.raised"

    number: int
    version: str

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return "log/rules"
