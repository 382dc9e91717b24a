"""Parallel coding: five agents change the same file, each under a lock that it waits for in its turn.

Each reads a number, thinks for a moment and writes the next one: without the lock, numbers would be lost.

    arc ensure
    python parallel_coding.py

prints

    5 agents, 10 changes each: the file says 50
    nobody waits any more
"""

import threading
import time
from pathlib import Path

from arc import ArcClient

AGENTS, CHANGES = 5, 10


def change(name: str, file: Path) -> None:
    """Count the number in the file up, again and again."""
    with ArcClient.quickstart(name) as agent:
        for _ in range(CHANGES):
            lock = agent.lock(str(file), ttl_sec=30, wait_sec=60)
            assert lock["agent_id"] == name, "it was waited for, so it is ours"
            number = int(file.read_text())
            time.sleep(0.002)
            file.write_text(str(number + 1))
            agent.unlock(str(file), fencing_token=lock["fencing_token"])


file = Path("number.txt")
file.write_text("0")
agents = [threading.Thread(target=change, args=[f"coder-{number}", file]) for number in range(AGENTS)]
for agent in agents:
    agent.start()
for agent in agents:
    agent.join()
print(f"{AGENTS} agents, {CHANGES} changes each: the file says {file.read_text()}")
file.unlink()
with ArcClient.quickstart("reader") as reader:
    held = [lock for lock in reader.locks(active_only=True) if lock["file_path"] == str(file)]
    print(f"still held: {held}" if held else "nobody waits any more")
