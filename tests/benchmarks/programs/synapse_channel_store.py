"""Writes to synapse-channel's event store, for as many seconds as each line of its input says, and tells how much.

python synapse_channel_store.py FILE
"""

import sys
import time

from synapse_channel.core.persistence import EventStore  # type: ignore[import-not-found]  # in an environment of its own

if __name__ == "__main__":
    store = EventStore(sys.argv[1])
    message = {"from": "bench-0", "channel": "general", "body": "The build is green again, see the artifact."}
    print("ready", flush=True)
    for line in sys.stdin:
        until, written = time.perf_counter() + float(line), 0
        while time.perf_counter() < until:
            store.append("message", message, durable=True)
            written += 1
        print(written, flush=True)
