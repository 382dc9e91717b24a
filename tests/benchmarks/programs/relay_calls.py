"""Calls over a file relay, one after the other, with the client of whichever `arc` this Python has.

    python relay_calls.py SPOOL COUNT

Prints a JSON array: milliseconds from the call to its answer.
"""

import json
import sys
import time

from arc import FileRelayClient


def main(spool: str, count: int) -> None:
    """Make the calls and print how long they took."""
    client = FileRelayClient(agent_id="bench-sandbox", spool_dir=spool, timeout=30)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        response = client.call("POST", "/v1/messages", {"from_agent": "bench-sandbox", "body": "hello from a sandbox"})
        times.append((time.perf_counter() - began) * 1000)
        assert response["ok"], response
    print(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
