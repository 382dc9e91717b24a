"""Files: who wrote which, and who has read it since.

A row is one touch of one file and never changes; so how things stood right after an event is found by leaving out the
rows after it.
"""

from typing import Final

import apsw
from msgspec import Struct

from arclog.codec import Fact
from arclog.events import SYSTEM, FileRead, FileWritten
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import read_from_end
from projections.intervals import AsOf
from projections.projector import Projector, Writer
from projections.times import timestamp

SQL: Final = Queries("projections", "files.sql")
LOOK_BACK: Final = 100
"""Events among which the last is looked for that was no hub's own."""


class Touch(Struct, frozen=True):
    """One agent's touch of a file.

    Attributes:
        key: the file's key.
        event_id: the event.
        agent_id: who touched it.
        at: when.
        digest: a hash of what then stood in it, where that is known.
    """

    key: str
    event_id: int
    agent_id: str
    at: str
    digest: str | None


def _on_touched(writer: Writer, event: Fact, data: FileWritten | FileRead) -> None:
    wrote = isinstance(data, FileWritten)
    digests = data.digests or ("",) * len(data.keys)
    for key, digest in zip(data.keys, digests, strict=True):
        writer.write(SQL["touch"], (key, event.event_id, data.agent_id, wrote, event.recorded_at, digest or None))


PROJECTOR: Final = Projector(
    name="files",
    version=1,
    tables=("file_touches",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={FileWritten: _on_touched, FileRead: _on_touched},
)


def are_touched(connection: apsw.Connection) -> bool:
    """Whether any hook has ever told of a file."""
    return connection.execute(SQL["are_touched"]).get is not None


def find_last_doing(connection: apsw.Connection) -> int:
    """When an agent last caused an event, in microseconds; 0 when that is long ago, or never was."""
    for event in read_from_end(connection, LOOK_BACK):
        if event.actor != SYSTEM:
            return event.recorded_at
    return 0


def find_news(connection: apsw.Connection, key: str, agent_id: str, began_at: int, at: AsOf) -> Touch | None:
    """The newest write of a file by another agent that this one does not know.

    It knows what was written before it touched the file last, and what stood there when its session began.

    Args:
        connection: any connection on the storage.
        key: the file's key.
        agent_id: who asks.
        began_at: when its session began, in microseconds.
        at: the moment.
    """
    bindings = {"key": key, "agent_id": agent_id, "began_at": began_at, "at": at.at}
    row = connection.execute(SQL["find_news"], bindings).fetchone()
    return None if row is None else _touch(key, *row)


def find_last_write(connection: apsw.Connection, key: str, at: AsOf) -> Touch | None:
    """Who wrote a file last."""
    row = connection.execute(SQL["find_last_write"], {"key": key, "at": at.at}).fetchone()
    return None if row is None else _touch(key, *row)


def list_touching(connection: apsw.Connection, key: str, at: AsOf) -> list[str]:
    """The agents that have read or written a file, as far as the log says."""
    rows = connection.execute(SQL["list_touching"], {"key": key, "at": at.at})
    return [str(agent_id) for (agent_id,) in rows]


def _touch(key: str, event_id: int, agent_id: str, recorded_at: int, digest: str | None) -> Touch:
    return Touch(key, event_id, agent_id, timestamp(recorded_at), digest)
