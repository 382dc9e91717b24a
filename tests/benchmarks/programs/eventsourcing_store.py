"""Writes with the eventsourcing library, for as many seconds as each line of its input says, and tells how much.

python eventsourcing_store.py FILE
"""

import os
import sys
import time

os.environ.update(PERSISTENCE_MODULE="eventsourcing.sqlite", SQLITE_DBNAME=sys.argv[1])

# It reads these settings, and is installed in an environment of its own alone.
from eventsourcing.application import Application  # type: ignore[import-not-found]
from eventsourcing.domain import Aggregate  # type: ignore[import-not-found]


class Message(Aggregate):  # type: ignore[misc]
    """Something that was said."""

    def __init__(self, from_agent: str, channel: str, body: str) -> None:
        self.from_agent = from_agent
        self.channel = channel
        self.body = body


if __name__ == "__main__":
    application = Application()
    print("ready", flush=True)
    for line in sys.stdin:
        until, written = time.perf_counter() + float(line), 0
        while time.perf_counter() < until:
            application.save(Message("bench-0", "general", "The build is green again, see the artifact."))
            written += 1
        print(written, flush=True)
