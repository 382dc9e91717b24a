"""A hub whose relay gets no news from the kernel, as over the mounts of virtual machines: it finds files by looking.

python -m tests.benchmarks.programs.scanning_hub [options of arc]
"""

import functools
import sys

import cli.wiring
from cli.main import main
from relay.watcher import Relay

if __name__ == "__main__":
    vars(cli.wiring)["Relay"] = functools.partial(Relay, notifications=False)
    sys.exit(main(sys.argv[1:]))
