"""A session: a connection that is set to what a log needs, on a server that is fit for one.

Time-outs are set for each session, whatever the defaults are: a hub that stalls with the lock loses it after
`STALL_SEC`, and who waits for the lock is told after `LOCK_SEC`. No statement has a time-out, for a commit that waits
for its standby must not be cancelled.
"""

import threading
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from arclog.engine import LogName
from arclog.errors import LogAway, LogReplaced, StorageError
from arclog.postgresql.address import Address
from arclog.postgresql.durability import Durability, check
from arclog.postgresql.erasing import ERASING
from arclog.postgresql.failures import LineLost, ServerRefused, storage_error_of
from arclog.postgresql.line import Line
from arclog.sqlite.queries import Queries

SQL: Final = Queries("arclog.postgresql", "log.sql")
FORMAT: Final = 1
"""The layout of the tables on the server."""
STALL_SEC: Final = 2.0
"""How long a hub may do nothing while it holds the lock."""
LOCK_SEC: Final = 5.0
"""How long a hub waits for the lock."""
COMMANDS: Final[Mapping[str, str]] = {
    **{name: SQL[name] for name in ("begin", "hold", "read", "append", "tell", "find_digest", "barrier", "find_head")},
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
}
"""What an engine asks."""


class Session(Struct, frozen=True):
    """A connection that can be used for a log.

    Attributes:
        line: the connection.
        name: which log it is.
        durability: what keeps its events.
        may_erase: whether the log's owner lets this role take out of events what an event erases.
    """

    line: Line
    name: LogName
    durability: Durability
    may_erase: bool


def open_session(
    address: Address,
    given_up: threading.Event | None = None,
    *,
    lock_sec: float = LOCK_SEC,
    stall_sec: float = STALL_SEC,
    log_id: str | None = None,
) -> Session:
    """Connect, and see that the log is there and its server is fit.

    Args:
        address: where the log is.
        given_up: ends waits that take long.
        lock_sec: how long to wait for the lock.
        stall_sec: how long the session may do nothing while it holds the lock.
        log_id: which log it must be, if that is known.

    Raises:
        LogAway: the server cannot be reached.
        LogReplaced: it is another log.
        StorageError: there is no log, or the server is not fit for one.
    """
    line = open_line(address, given_up)
    try:
        line.run(SQL["settle_session"], f"{round(lock_sec * 1000)}", f"{round(stall_sec * 1000)}")
        durability = _look(line, address)
        line.run(SQL["hurry"])
        ((made,),) = line.run(SQL["is_made"])
        if made != "t":
            raise StorageError(f"there is no log at {address.shown}", advice="create_log")
        ((found_id, origin, layout),) = line.run(SQL["find_log"])
        if int(layout) != FORMAT:
            raise StorageError(
                f"the log at {address.shown} has format {layout}, this Arc knows {FORMAT}: use the Arc that made it"
            )
        if log_id is not None and found_id != log_id:
            raise LogReplaced(0)
        ((may_erase,),) = line.run(ERASING["may_erase"])
        line.prepare(COMMANDS)
        if may_erase == "t":
            line.prepare({"erase": ERASING["erase"]})
    except ServerRefused as refused:
        line.close()
        raise storage_error_of(refused, address.shown) from None
    except LineLost as lost:
        line.close()
        raise LogAway(str(lost)) from None
    except StorageError:
        line.close()
        raise
    return Session(line, LogName(found_id, origin), durability, may_erase == "t")


def open_line(address: Address, given_up: threading.Event | None = None) -> Line:
    """Connect to the server itself.

    Raises:
        LogAway: it cannot be reached.
        StorageError: something stands between that gives one connection to many clients in turns.
    """
    try:
        line = Line(address, {}, given_up)
    except LineLost as lost:
        raise LogAway(str(lost)) from None
    try:
        ((backend,),) = line.run(SQL["find_backend"])
    except LineLost as lost:
        line.close()
        raise LogAway(str(lost)) from None
    except ServerRefused as refused:
        line.close()
        raise storage_error_of(refused, address.shown) from None
    if int(backend) != line.told_backend:
        line.close()
        raise StorageError(
            f"a pooler answers at {address.shown}, such as PgBouncer: it gives one connection to many clients in "
            "turns, which takes the log's lock and its notices away; name the server itself"
        )
    return line


def _look(line: Line, address: Address) -> Durability:
    (found,) = line.run(SQL["find_durability"])
    fsync, pages, commit, names, checksums, version, standbys, encoding, is_standby = found
    if encoding != "UTF8":
        raise StorageError(f"the database at {address.shown} keeps text as {encoding}: make one with encoding UTF8")
    durability = Durability(version, fsync, pages, commit, names, checksums, int(standbys), is_standby == "t")
    check(durability, address.shown)
    return durability
