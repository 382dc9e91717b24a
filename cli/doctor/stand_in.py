"""A program that stands in for a harness's window: it runs hooks below its own process, as that does.

It is copied to a file that has the harness's name, by which a hook knows the process that it works for. Each line of
its standard input is `[[WORD, …], TEXT]`: a hook's command, and what that is given. Each line that it prints is what
the command printed, as JSON.
"""

import json
import subprocess
import sys

WITHIN_SEC = 10.0


def run(words: list[str], given: str) -> str:
    """What a command prints; why it could not be run, if it could not."""
    try:
        done = subprocess.run(words, input=given.encode(), capture_output=True, timeout=WITHIN_SEC, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"failed: {error}"
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(run(*json.loads(line)))}\n")
        sys.stdout.flush()
