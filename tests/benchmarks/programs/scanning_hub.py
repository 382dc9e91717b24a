"""A hub whose relay gets no news from the kernel, as over the mounts of virtual machines: it finds files by looking.

python -m tests.benchmarks.programs.scanning_hub [options of arc]
"""

import functools
import sys

import cli.hubs.wiring
from cli.main import main
from relay.relay import Relay

if __name__ == "__main__":
    vars(cli.hubs.wiring)["Relay"] = functools.partial(Relay, notifications=False)
    sys.exit(main(sys.argv[1:]))
