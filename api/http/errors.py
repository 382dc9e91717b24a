"""What can go wrong with a call over HTTP, and the one table from error codes to statuses."""

from collections.abc import Mapping
from typing import Final

from arclog.errors import ArcError

STATUS_OF: Final[Mapping[str, int]] = {
    "cursor_beyond_head": 400,
    "dependency_cycle": 400,
    "invalid_input": 400,
    "looks_like_a_secret": 400,
    "malformed_request": 400,
    "request_too_large": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "unknown_route": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "deadlock": 409,
    "not_ready": 409,
    "session_collision": 409,
    "stale_token": 409,
    "idempotency_key_reused": 422,
    "too_many_attempts": 429,
    "too_many_open_calls": 429,
    "too_many_requests": 429,
    "head_too_large": 431,
    "internal_error": 500,
    "hub_stopping": 503,
    "newer_rules": 503,
    "lock_lost": 503,
    "log_away": 503,
    "log_replaced": 503,
    "not_an_arc_storage": 503,
    "outcome_unknown": 503,
    "storage_busy": 503,
    "storage_damaged": 503,
    "storage_gone": 503,
    "storage_unavailable": 503,
    "too_many_connections": 503,
    "storage_full": 507,
}
"""Error code to HTTP status. A code is stable; clients may rely on it."""


class UnknownRoute(ArcError):
    """No route has this path."""

    code = "unknown_route"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not a route of this hub; GET /openapi.json lists them")


class MethodNotAllowed(ArcError):
    """The path is known, but not with this method."""

    code = "method_not_allowed"

    def __init__(self, method: str, path: str, allowed: str) -> None:
        super().__init__(f"{path} takes {allowed}, not {method}")
        self.allowed = allowed


class Unauthenticated(ArcError):
    """A call from another machine came without a token, or with one that is not the hub's."""

    code = "unauthenticated"


class TooManyAttempts(ArcError):
    """Too many wrong tokens came from one address.

    Attributes:
        retry_after_sec: when the next one is looked at.
    """

    code = "too_many_attempts"

    def __init__(self, retry_after_sec: int) -> None:
        super().__init__(f"too many wrong tokens came from this address: try again in {retry_after_sec} seconds")
        self.retry_after_sec = retry_after_sec


class TooManyRequests(ArcError):
    """A sender on another machine makes more calls than the hub is set to take.

    Attributes:
        retry_after_sec: when the next one is taken.
    """

    code = "too_many_requests"

    def __init__(self, rate: float, retry_after_sec: int) -> None:
        super().__init__(
            f"this sender makes more than {rate:g} calls a second: try again in {retry_after_sec} seconds, and wait "
            "for what is new with timeout instead of asking again; the hub's --rate sets this"
        )
        self.retry_after_sec = retry_after_sec


class TooManyOpenCalls(ArcError):
    """A sender on another machine has more calls without an answer than it may have at a time.

    Attributes:
        retry_after_sec: when the next one may be taken.
    """

    code = "too_many_open_calls"
    retry_after_sec = 1

    def __init__(self, most: int) -> None:
        super().__init__(
            f"this sender has {most} calls that wait for their answers: let some end, and wait in one call for all "
            "that is new instead of in many; the hub's --max-open-calls sets this"
        )


class TooManyConnections(ArcError):
    """An address on another machine has more connections than it may have at a time."""

    code = "too_many_connections"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"this address has {most} connections open: close some, or use one again for the next call; the hub's "
            "--max-connections sets this"
        )


class RequestTooLarge(ArcError):
    """The body of a request is longer than the hub is set to take."""

    code = "request_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the request's body must be at most {most} bytes; the hub's --max-body-chars, --max-attachment-chars and "
            "--max-attachments set this"
        )


class MalformedRequest(ArcError):
    """What came over a connection is not HTTP, or not unambiguous."""

    code = "malformed_request"

    def __init__(self, problem: str = "this is not a complete HTTP/1.1 request") -> None:
        super().__init__(problem)


class HeadTooLarge(ArcError):
    """The first line and the headers of a request are longer than the hub takes."""

    code = "head_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(f"the first line and the headers of a request must be at most {most} bytes together")


class InternalError(ArcError):
    """The hub met a condition that it does not know; the call may or may not have been done."""

    code = "internal_error"

    def __init__(self) -> None:
        super().__init__("the hub failed at this call, and has said why in its own output; please report it")


class ClientGone(Exception):
    """The client closed the connection before its answer was ready."""
