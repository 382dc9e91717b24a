"""What happens in a run, a line each: `python -m tests.simulation.trace SEED [large]`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulation.run import Failed, play


def main() -> None:
    with TemporaryDirectory() as folder:
        try:
            played = play(int(sys.argv[1]), Path(folder), is_large="large" in sys.argv)
        except Failed as failed:
            sys.exit("\n".join([*failed.trace, str(failed.why)]))
    lines = [f"{event.event_id} {event.recorded_at} {event.type} {event.data}" for event in played.events]
    sys.stdout.write("\n".join([*played.trace, *lines]))


if __name__ == "__main__":
    main()
