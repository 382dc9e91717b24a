"""The client's way over HTTP: kept connections, safe retries, no proxy.

A call that changes something carries an `Idempotency-Key`, one for the call and the same on each retry, so the hub does
it once however often it arrives. What happens when the connection goes away:

- before the request was sent: nothing happened, so it is sent again;
- after, and the call only reads: it is sent again;
- after, and the call changes something: it may have been done. A hub that knows the key answers a second time what it
  answered first, so the call is sent again; whether it does is asked there and then, since the hub that comes back need
  not be the one that went. Arc 0.1.1 does not know the key: there the caller gets an `ArcError` with the code
  `answer_lost` and has to look.

A 503 (the hub is stopping, or its disk is busy) is asked again too; every other answer is an answer. A time-out is not
retried: the time that the caller gave is over. A hub that was never there is not waited for.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock

from arc.connection import BrokenAnswerError, Connection
from arc.errors import ArcError
from arc.finding.tokens import BadTokenError, authorization, check_token, find_token
from arc.light_json import dumps, loads
from arc.urls import DEFAULT_URL, split_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from arc.urls import Address

RETRY_WAITS_SEC = (0.05, 0.2, 0.5, 1.0, 2.0)
"""The pauses before the second to the sixth attempt: together longer than a hub takes to start again."""

KEPT_CONNECTIONS = 8
"""Idle connections that are kept: threads that wait in `poll` hold theirs for themselves."""

LOST = 503
TIMED_OUT = 504


class _ConnectionLostError(Exception):
    """No answer, and the connection is gone."""

    def __init__(self, reason: BaseException, *, sent: bool) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.sent = sent  # whether the hub may have seen the request


class InFlight:
    """A call that another thread may give up, so that the hub sees at once that nobody waits for its answer."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self.given_up = False

    def close(self) -> None:
        """End the connection that the call is on."""
        self.given_up = True
        if self._connection is not None:
            self._connection.shut_down()

    def ride(self, connection: Connection | None) -> None:
        """The call is on a connection from here on, or on none."""
        self._connection = connection
        if self.given_up and connection is not None:
            connection.shut_down()


class HttpTransport:
    """Calls to one hub. Safe to use from several threads; each call in flight has its own connection.

    Args:
        base_url: `http://host:port`, with a path in front of the hub's own where a server forwards to it; `https` too.
            Without it, each new connection goes to the hub that `arc.finding.which_hub` names then: a hub that starts
            later, or on another port, is found.
        timeout: seconds of silence after which a call fails with status 504.
        token: the hub's, which calls from other machines need; by default as `arc.finding.tokens` finds it.
        retry_waits_sec: the pauses before the second attempt and those after it.

    Raises:
        ArcError: the URL or the token cannot be used.
    """

    def __init__(
        self,
        base_url: str | None = None,
        timeout: float = 15.0,
        *,
        token: str | None = None,
        retry_waits_sec: tuple[float, ...] = RETRY_WAITS_SEC,
    ) -> None:
        self.timeout = timeout
        self._retry_waits_sec = retry_waits_sec
        try:
            self._token = find_token() if token is None else check_token(token, "token")
        except BadTokenError as bad:
            raise ArcError(str(bad), code="bad_token") from None
        self._authorization = authorization(self._token)
        self._named: Address | None = None
        if base_url is not None:
            try:
                self._named = split_url(base_url)
            except ValueError as bad:
                message = f"base_url {base_url!r} cannot be used: give http://host:port, as in {DEFAULT_URL}"
                raise ArcError(message, code="bad_url") from bad
        self.base_url = DEFAULT_URL if base_url is None else base_url.rstrip("/")
        self._idle: list[Connection] = []
        self._lock = allocate_lock()
        self._pid = os.getpid()
        self.instance_id: str | None = None  # of the hub's storage, as the last answer told it
        self._met = False  # whether the hub was there, and was not given up since

    def call(
        self,
        method: str,
        path: str,
        payload: dict[str, Any] | None = None,
        *,
        timeout_override: float | None = None,
        in_flight: InFlight | None = None,
    ) -> dict[str, Any]:
        """Ask the hub and return its whole envelope, which has `ok: true`.

        Args:
            method: `GET`, `POST` or `DELETE`.
            path: path and query, encoded.
            payload: the body, sent as JSON; None sends none.
            timeout_override: seconds to wait instead of `timeout`.
            in_flight: by what the call can be given up.

        Raises:
            ArcError: the hub refused (its status), there is no answer (502, 503 or 504), or it was given up.
        """
        timeout = self.timeout if timeout_override is None else timeout_override
        body = None if payload is None else dumps(payload).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        changes = method != "GET"
        if changes:
            headers["Idempotency-Key"] = os.urandom(16).hex()
        give_up_at = time.monotonic() + timeout
        waits = iter(self._retry_waits_sec)
        in_doubt = False  # whether an attempt without an answer may have been done
        while True:
            try:
                if in_doubt:
                    status, envelope = self._ask_again(method, path, body, headers, timeout, in_flight)
                else:
                    status, envelope = self._exchange(method, path, body, headers, timeout, in_flight)
            except _ConnectionLostError as lost:
                if in_flight is not None and in_flight.given_up:
                    raise ArcError("the call was given up", LOST, code="given_up") from None
                in_doubt = in_doubt or (changes and lost.sent)
                failure = ArcError(f"connection error: {lost} ({self.base_url})", LOST, code="connection_lost")
                if not self._met:
                    raise failure from None
            else:
                if envelope.get("ok") is True:
                    return envelope
                failure = ArcError.from_envelope(envelope, status)
                if status != LOST:
                    raise failure
            wait_sec = next(waits, None)
            if wait_sec is None or time.monotonic() + wait_sec > give_up_at:
                self._met = False
                raise _answer_lost() if in_doubt else failure
            time.sleep(wait_sec)

    def close(self) -> None:
        """Close the idle connections. A later call opens a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):  # else the URL was refused
            self.close()

    def _ask_again(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout: float,
        in_flight: InFlight | None,
    ) -> tuple[int, dict[str, Any]]:
        """`_exchange` for a call that may have been done: whatever keeps it from being asked again, that is told."""
        try:
            if self._hub_knows_keys(timeout):
                return self._exchange(method, path, body, headers, timeout, in_flight)
        except ArcError as error:
            raise _answer_lost() from error
        raise _answer_lost()

    def _hub_knows_keys(self, timeout: float) -> bool:
        """Whether the hub that answers now does a call once, however often it arrives under one key."""
        status, envelope = self._exchange("GET", "/v1/hub-info", None, {}, timeout)
        if status == LOST:  # it is stopping: the next one tells
            raise _ConnectionLostError(ArcError.from_envelope(envelope, status), sent=False)
        info = envelope.get("result")
        extensions = info.get("extensions") if isinstance(info, dict) else None
        return isinstance(extensions, list) and "idempotency_key" in extensions

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout: float,
        in_flight: InFlight | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """One request and its answer: status and envelope."""
        connection = self._take(timeout)
        kept = False
        try:
            if in_flight is not None:
                in_flight.ride(connection)
            answer = connection.ask(method, connection.prefix + path, {**headers, **self._authorization}, body)
            kept = answer.kept
            self.instance_id = answer.headers.get("x-arc-instance") or self.instance_id
        except TimeoutError as late:
            doubt = "" if method == "GET" else "; it may still be done, so look before you ask again"
            message = f"connection error: no answer from {self.base_url} within {timeout:g} s{doubt}"
            raise ArcError(message, TIMED_OUT, code="timed_out") from late
        except (OSError, BrokenAnswerError) as lost:
            raise _ConnectionLostError(lost, sent=True) from lost
        except ValueError as bad:
            raise ArcError(str(bad), code="bad_url") from bad
        finally:
            if in_flight is not None:
                in_flight.ride(None)
            self._put_back(connection, alive=kept)
        return answer.status, self._envelope(answer.status, answer.body)

    def _envelope(self, status: int, text: bytes) -> dict[str, Any]:
        try:
            envelope = loads(text)
        except ValueError:
            envelope = None
        if isinstance(envelope, dict) and isinstance(envelope.get("ok"), bool):
            return envelope
        said = text[:200].decode(errors="replace").strip()
        message = f"{self.base_url} did not answer as an Arc hub does: HTTP {status}, {said or 'nothing'}"
        raise ArcError(message, 502, code="not_a_hub")

    def _take(self, timeout: float) -> Connection:
        """An idle connection that still stands, else a new one."""
        with self._lock:
            forked, self._pid = self._pid != os.getpid(), os.getpid()
            while self._idle:
                connection = self._idle.pop()
                if not forked and connection.stands():  # after a fork they are the parent's
                    connection.set_timeout(timeout)
                    return connection
                connection.close()
        connection = Connection(self._address(), timeout)
        try:
            connection.connect()
        except TimeoutError as late:
            message = f"connection error: {self.base_url} could not be reached within {timeout:g} s"
            raise ArcError(message, TIMED_OUT, code="timed_out") from late
        except OSError as refused:
            raise _ConnectionLostError(refused, sent=False) from refused
        self._met = True
        return connection

    def _address(self) -> Address:
        """Where the next connection goes."""
        from arc.finding.which_hub import choose_hub

        if self._named is not None:
            choose_hub(self.base_url).say()
            return self._named
        choice = choose_hub()
        choice.say()
        self.base_url = choice.url
        if self._token is None and choice.storage is not None:
            self._authorization = authorization(find_token(choice.storage))
        return split_url(choice.url)

    def _put_back(self, connection: Connection, *, alive: bool) -> None:
        if alive and not connection.secure:  # a TLS connection cannot be looked at without reading from it
            with self._lock:
                if len(self._idle) < KEPT_CONNECTIONS:
                    self._idle.append(connection)
                    return
        connection.close()


def _answer_lost() -> ArcError:
    message = (
        "connection error: the connection was lost before the answer came, so the hub may or may not have done it; "
        "look before you ask again"
    )
    return ArcError(message, LOST, code="answer_lost")
