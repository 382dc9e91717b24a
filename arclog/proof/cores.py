"""How many processes can work at the same time here."""

import os


def count_cores() -> int:
    """The cores that this process may use; a limit on their time, as containers have, is not seen."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
