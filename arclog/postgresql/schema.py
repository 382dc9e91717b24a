"""The log on a server: made once by the role that owns it, which then lets hubs in by a role of their own.

A hub's role may read and append, nothing else: no event is changed or removed by the one who has its password, but for
the texts that an event of the log erases. The owner's is needed for this alone.
"""

from typing import Final

from arclog.engine import LogName
from arclog.errors import InvalidInput, LogAway
from arclog.postgresql.address import Address
from arclog.postgresql.erasing import ERASING
from arclog.postgresql.failures import LineLost, ServerRefused, storage_error_of
from arclog.postgresql.session import FORMAT, SQL, open_line
from arclog.sqlite.schema import new_instance_id

_MAKING: Final = (
    "make_schema",
    "make_events",
    "make_log",
    "make_refusal",
    "make_now",
    "make_begin",
    "close_begin",
)
_LETTING_ERASE: Final = (
    "allow_erasing",
    "drop_trigger",
    "make_trigger",
    "drop_erasing_trigger",
    "make_erasing_trigger",
    "sample_nothing",
    "count_scrubbed",
    "make_erase",
    "make_scrub",
    "close_erasing",
)
"""Done again for a log that is there: former versions made it without."""


def create_log(address: Address, role: str | None = None, origin: str | None = None) -> LogName:
    """Make the log, unless it is there, and let a role in.

    Args:
        address: where, as its owner.
        role: the role that hubs will use; None where they use the owner's.
        origin: the instance id of the storage in which the log began; its own id unless given.

    Raises:
        InvalidInput: there is no such role.
        LogAway: the server cannot be reached.
        StorageError: it cannot be made.
    """
    line = open_line(address)
    try:
        if role is not None and not line.run(SQL["find_role"], role):
            raise InvalidInput("role", f'{role!r} is not there: make it first, with CREATE ROLE "{role}" LOGIN')
        line.run(SQL["begin"])
        # Two who make it at once do so in turns.
        line.run(SQL["lock_making"])
        if line.run(SQL["is_made"]) != [["t"]]:
            for name in _MAKING:
                line.run(SQL[name])
            log_id = new_instance_id()
            line.run(SQL["name_log"], log_id, origin or log_id, str(FORMAT))
        for name in _LETTING_ERASE:
            line.run(ERASING[name])
        if role is not None:
            for (grant,) in (*line.run(SQL["grants"], role), *line.run(ERASING["grants"], role)):
                line.run(grant)
        ((log_id, origin, _format),) = line.run(SQL["find_log"])
        line.run("COMMIT")
    except ServerRefused as refused:
        raise storage_error_of(refused, address.shown) from None
    except LineLost as lost:
        raise LogAway(str(lost)) from None
    finally:
        line.close()
    return LogName(log_id, origin)
