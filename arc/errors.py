"""The one error of the client."""

from __future__ import annotations


class ArcError(Exception):
    """The hub refused a call, or could not be asked.

    Attributes:
        error: what went wrong and what to change, also `str(exc)`.
        status: the status of the hub's answer: 400 bad input, 404 not found or not yours, 409 taken, and so on. From
            the client itself: 408 no result in time (`ArcClient.call`), 502 an answer that is not Arc's,
            503 no connection, 504 no answer in time; over the relay 500, 597 and 598 (see `FileRelayClient`).
        code: the short, stable name of the error where the hub or the client gives one, else None.
        advice: the short, stable name of what can be done about it, where the hub gives one, else None.
    """

    def __init__(self, error: str, status: int = 400, *, code: str | None = None, advice: str | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.code = code
        self.advice = advice

    @classmethod
    def from_envelope(cls, envelope: dict[str, object], status: int) -> ArcError:
        """The error that an answer with `ok: false` stands for."""
        error, code, advice = (envelope.get(name) for name in ("error", "code", "advice"))
        return cls(
            error if isinstance(error, str) and error else "unknown error",
            max(status, 400),
            code=code if isinstance(code, str) else None,
            advice=advice if isinstance(advice, str) else None,
        )
