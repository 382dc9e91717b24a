"""Events about tokens: what proves that a call is an agent's."""

from typing import ClassVar

from msgspec import Struct

from arclog.events.rule_numbers import WORK_RULES


class TokenIssued(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A token was made for an agent, whose name is its holders' alone from then on; the token itself is not here.

    Attributes:
        agent_id: whose it is.
        token_id: by what it is named.
        hash: its SHA-256.
        operator: whether its holder may do what is for operators.
        issued_by: who had it made.
    """

    type: ClassVar[str] = "token.issued"
    rules: ClassVar[int] = WORK_RULES

    agent_id: str
    token_id: str
    hash: bytes
    operator: bool = False
    issued_by: str

    @property
    def actor(self) -> str:
        return self.issued_by

    def stream(self, event_id: int) -> str:
        return f"token/{self.token_id}"


class TokenRevoked(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A token is one no more."""

    type: ClassVar[str] = "token.revoked"
    rules: ClassVar[int] = WORK_RULES

    agent_id: str
    token_id: str
    revoked_by: str

    @property
    def actor(self) -> str:
        return self.revoked_by

    def stream(self, event_id: int) -> str:
        return f"token/{self.token_id}"
