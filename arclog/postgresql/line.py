"""One connection to the server: several statements go out together, and what became of them comes back together.

A batch takes two round trips, so what a round trip costs decides how fast hubs in turns are. libpq's pipeline mode
sends `BEGIN`, the lock and the question for events as one packet, and everything up to the answers as another. The
statements are prepared once, and values are binary.

Nothing is ever cancelled: a client that cancels its COMMIT while that waits for the standby is told that it succeeded.
"""

import selectors
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from arclog.postgresql.address import Address
from arclog.postgresql.failures import LineLost, ServerRefused

Row = tuple[Any, ...]
"""Numbers, texts and bytes, as the columns are."""
Ask = tuple[str, Sequence[bytes]]
"""The name of a prepared statement, and its parameters in their binary form."""

BINARY: Final = 1
SLICE_SEC: Final = 0.25
"""How often it is looked whether a wait was given up."""
GRACE_SEC: Final = 1.0
"""How long an answer may take although waiting was given up: the last batch of a hub that ends is on its way."""
_GOOD: Final = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY})


class Line:
    """An open connection, used by one thread at a time.

    Args:
        address: where to.
        statements: what will be asked, by name; prepared at once.
        given_up: ends waits that take long.

    Attributes:
        warnings: what the server warned of since the last `ask` or `send` began.

    Raises:
        LineLost: it cannot be had.
    """

    def __init__(
        self, address: Address, statements: Mapping[str, str], given_up: threading.Event | None = None
    ) -> None:
        try:
            # The first statement would begin a transaction otherwise; it is never used for one.
            connection = psycopg.Connection.connect(address.url, autocommit=True, **address.usual)  # type: ignore[arg-type]
        except psycopg.Error as error:
            raise LineLost(one_line(error), error.sqlstate or "") from None
        self._connection = connection
        self._pq = connection.pgconn
        self._given_up = given_up or threading.Event()
        self._names: dict[str, bytes] = {}
        self.warnings: list[str] = []
        self.told_backend = self._pq.backend_pid
        """Who serves the connection, by what was told when it was made."""
        self._pq.notice_handler = self._warn
        self._pq.nonblocking = 1
        self._values = Transformer()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pq.socket, selectors.EVENT_READ)
        try:
            self._pq.enter_pipeline_mode()
            self.prepare(statements)
        except (LineLost, ServerRefused):
            self.close()
            raise

    @property
    def socket(self) -> int:
        """The descriptor of its socket."""
        return self._pq.socket

    @property
    def is_open(self) -> bool:
        """Whether nothing is known to be wrong with it."""
        return self._pq.status == pq.ConnStatus.OK

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun and not ended."""
        return self._pq.transaction_status not in (pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN)

    def prepare(self, statements: Mapping[str, str]) -> None:
        """Have statements ready by their names.

        Raises:
            ServerRefused: one cannot be prepared.
            LineLost: the connection is over.
        """
        for name, text in statements.items():
            self._names[name] = name.encode()
            self._send(partial(self._pq.send_prepare, name.encode(), text.encode()))
        self._send(self._pq.pipeline_sync)
        self._receive(len(statements), None)

    def ask(self, *asks: Ask, within_sec: float | None = None) -> list[list[Row]]:
        """Ask all of it in one round trip; when one is refused, none after it is done.

        Args:
            asks: what to ask.
            within_sec: how long the answer may take before the connection is taken for dead; None is for ever, which a
                commit may need.

        Returns:
            The rows of each.

        Raises:
            ServerRefused: the server refused one.
            LineLost: the connection is over; whatever was asked may have been done or not.
        """
        self.send(*asks)
        return self.receive(len(asks), within_sec)

    def send(self, *asks: Ask) -> None:
        """Ask all of it in one round trip, without waiting for anything; `receive` must follow.

        Raises:
            LineLost: the connection is over; whatever was asked may have been done or not.
        """
        self.warnings.clear()
        for name, parameters in asks:
            formats = [BINARY] * len(parameters)
            self._send(partial(self._pq.send_query_prepared, self._names[name], parameters, formats, BINARY))
        self._send(self._pq.pipeline_sync)
        self._send(self._pq.flush)

    def receive(self, count: int, within_sec: float | None = None) -> list[list[Row]]:
        """What came of what was sent, as `ask` returns it; `count` says how much was asked.

        Raises:
            ServerRefused: the server refused one.
            LineLost: the connection is over; whatever was asked may have been done or not.
        """
        return [self._rows(result) for result in self._receive(count, within_sec)]

    def run(self, text: str, *parameters: str) -> list[list[str]]:
        """Ask one thing that is not asked often, in text.

        Raises:
            ServerRefused: the server refused it.
            LineLost: the connection is over.
        """
        self._send(partial(self._pq.send_query_params, text.encode(), [value.encode() for value in parameters]))
        self._send(self._pq.pipeline_sync)
        (result,) = self._receive(1, None)
        columns = range(result.nfields)
        return [
            [(result.get_value(row, column) or b"").decode() for column in columns] for row in range(result.ntuples)
        ]

    def take_notices(self) -> list[tuple[int, str]]:
        """What came by NOTIFY since: who sent it, and what it says. Never waits.

        Raises:
            LineLost: the connection is over.
        """
        try:
            self._pq.consume_input()
        except psycopg.Error as error:
            raise self._lost(error) from None
        found = []
        while (notice := self._pq.notifies()) is not None:
            found.append((notice.be_pid, notice.extra.decode()))
        return found

    def close(self) -> None:
        """End the connection; what was not committed is undone by the server."""
        self._selector.close()
        with suppress(psycopg.Error):
            self._connection.close()

    # One round trip -------------------------------------------------------------------------------------------------

    def _send(self, send: Callable[[], object]) -> None:
        try:
            send()
        except psycopg.Error as error:
            raise self._lost(error) from None

    def _receive(self, count: int, within_sec: float | None) -> list["pq.abc.PGresult"]:
        until = None if within_sec is None else time.monotonic() + within_sec
        try:
            while self._pq.flush():
                if self._wait(until, selectors.EVENT_READ | selectors.EVENT_WRITE) & selectors.EVENT_READ:
                    self._pq.consume_input()
            return self._collect(count, until)
        except psycopg.Error as error:
            raise self._lost(error) from None

    def _rows(self, result: "pq.abc.PGresult") -> list[Row]:
        """All rows at once, by the driver: one by one they would take five times as long, often with the log's lock."""
        if not result.ntuples:
            return []
        self._values.set_pgresult(result)
        return self._values.load_rows(0, result.ntuples, tuple)

    def _collect(self, count: int, until: float | None) -> list["pq.abc.PGresult"]:
        found: list[pq.abc.PGresult] = []
        refused: ServerRefused | None = None
        while True:
            while self._pq.is_busy():
                self._wait(until, selectors.EVENT_READ)
                self._pq.consume_input()
            result = self._pq.get_result()
            if result is None:
                if not self.is_open:
                    raise LineLost("the connection was closed")
                continue
            if result.status in _GOOD:
                found.append(result)
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            elif result.status == pq.ExecStatus.FATAL_ERROR:
                refused = refused or self._refused(result, len(found))
        if refused is not None:
            raise refused
        assert len(found) == count
        return found

    def _refused(self, result: "pq.abc.PGresult", place: int) -> ServerRefused:
        code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        text = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
        severity = result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED)
        if severity in {b"FATAL", b"PANIC", None}:
            raise LineLost(text or one_line(result.error_message.decode(errors="replace")), code)
        return ServerRefused(code, text, place)

    def _wait(self, until: float | None, events: int) -> int:
        self._selector.modify(self._pq.socket, events)
        began_at = now = time.monotonic()
        while True:
            ready = self._selector.select(SLICE_SEC if until is None else max(0.0, min(SLICE_SEC, until - now)))
            if ready:
                return ready[0][1]
            now = time.monotonic()
            if until is not None and now >= until:
                raise LineLost("the server does not answer")
            if self._given_up.is_set() and now - began_at > GRACE_SEC:
                raise LineLost("the hub ends")

    def _warn(self, result: "pq.abc.PGresult") -> None:
        if result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) == b"WARNING":
            self.warnings.append(
                (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
            )

    @staticmethod
    def _lost(error: psycopg.Error) -> LineLost:
        return LineLost(one_line(error), error.sqlstate or "")


def one_line(error: object) -> str:
    """What an error says, in one line; libpq tells of each host in one of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(lines))
