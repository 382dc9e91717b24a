"""A log on PostgreSQL is opened: the only place that loads the driver, so that nobody else needs it."""

from typing import TYPE_CHECKING

from arclog.engine import LogName
from arclog.errors import LogAway, StorageError
from arclog.postgresql.address import read_address

if TYPE_CHECKING:
    from arclog.postgresql.engine import PostgresqlEngine


def make_log(url: str, role: str | None = None, origin: str | None = None) -> tuple[LogName, str]:
    """Make a log at a URL, unless it is there, and let a role in.

    Returns:
        Which log it is, and where, for people.

    Raises:
        InvalidInput: it is no such URL, or there is no such role.
        LogAway: the server cannot be reached.
        StorageError: the driver is missing, or the log cannot be made.
    """
    address = read_address(url)
    try:
        from arclog.postgresql.schema import create_log
    except ImportError as error:
        raise _driver_missing(error) from None
    return create_log(address, role, origin), address.shown


def open_log(url: str, *, make: bool = False, may_be_away: bool = False) -> "PostgresqlEngine":
    """What keeps the log at a URL, reached.

    Args:
        url: where the log is, as libpq takes it, without a password.
        make: whether to make it if it is not there.
        may_be_away: whether it need not be reached now.

    Raises:
        InvalidInput: it is no such URL.
        LogAway: the server cannot be reached.
        StorageError: the driver is missing, there is no log, or its server is not fit for one.
    """
    address = read_address(url)
    try:
        from arclog.postgresql.engine import PostgresqlEngine
        from arclog.postgresql.schema import create_log
    except ImportError as error:
        raise _driver_missing(error) from None
    engine = PostgresqlEngine(address)
    try:
        engine.identify()
    except LogAway:
        if not may_be_away:
            engine.close()
            raise
    except StorageError as error:
        if not make or error.advice != "create_log":
            engine.close()
            raise
        create_log(address)
        engine.identify()
    return engine


def _driver_missing(error: ImportError) -> StorageError:
    return StorageError(f"a log on PostgreSQL needs its driver ({error.name}): pip install 'arclog[postgresql]'")
