"""`arc ensure`: a hub that answers, started in the background unless there is one.

However many run at once, one hub is started: whoever finds none takes the lock of the storage (`.arc.lock` beside it;
the database itself is never opened here), looks again, starts the hub, and lets the lock go when the hub answers. The
others then find it.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.errors import CommandFailed, in_words
from cli.hubs.addresses import url_of
from cli.hubs.find_hub import Found, find_at_address, find_by_note
from cli.hubs.probe import NotAHub
from cli.hubs.storage_lock import holding
from cli.options import HubOptions, add_hub_options, hub_arguments, seconds
from cli.output import print_json
from cli.paths import working_directory

if TYPE_CHECKING:
    import subprocess

LOG: Final = ".arc.log"
MAX_LOG_BYTES: Final = 1 << 20
"""A log that has grown beyond this is put aside, as `.arc.log.1`, before the next hub is started."""
TOLD_CHARS: Final = 2000
LOOK_SEC: Final = 0.01


class Options(HubOptions):
    """Which hub, and how long to wait for it."""

    timeout: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    add_hub_options(parser)
    parser.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="SEC", help="how long to wait for the first answer (60)"
    )


def run(options: Options) -> int:
    """Print `{running, started, url[, error]}`; 0 when a hub of this storage answers."""
    storage = working_directory() / options.storage
    url = url_of(options.host, options.port)
    give_up_at = time.monotonic() + options.timeout
    try:
        found = _find(storage, url, give_up_at)
        if found is None:
            with holding(storage, give_up_at):
                found = _find(storage, url, give_up_at)
                if found is None:
                    return _start(options, storage, url, give_up_at)
    except NotAHub as error:
        return _tell(url, started=False, error=f"{error}; choose another port with --port, or stop what listens there")
    except (CommandFailed, OSError) as error:
        return _tell(url, started=False, error=in_words(error))
    if not found.hub.storage.exists():
        gone = f"the storage {found.hub.storage} was deleted under its hub: end that with arc stop, then ensure another"
        return _tell(found.hub.url, started=False, error=gone)
    return _tell(found.hub.url, started=False)


def _find(storage: Path, url: str, give_up_at: float) -> Found | None:
    """The hub of the storage that runs, wherever; if none does, whatever listens on the port is in the way.

    A hub on a port of its own choice (`--port 0`) is found by its note alone.
    """
    found = find_by_note(storage)
    if found is None and not url.endswith(":0"):
        return find_at_address(storage, url, max(give_up_at - time.monotonic(), 0.1))
    return found


def _start(options: Options, storage: Path, url: str, give_up_at: float) -> int:
    log = storage.parent / LOG
    begins_at = _put_aside(log)
    child = _spawn(options, storage, log)
    found, trouble = None, ""
    while found is None and child.poll() is None:
        if time.monotonic() > give_up_at:
            late = f"the hub (process {child.pid}) has not answered within {options.timeout:g} s; its log is {log}"
            return _tell(url, started=True, error=late)
        try:
            found = _find(storage, url, give_up_at)
        except NotAHub as error:  # it ended while it was asked, or somebody else was faster on the port
            trouble = str(error)
        time.sleep(LOOK_SEC)
    if found is None:
        said = _read(log, begins_at) or trouble or f"the hub ended with code {child.returncode} and said nothing"
        return _tell(url, started=False, error=said)
    return _tell(found.hub.url, started=True)


def _spawn(options: Options, storage: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start the hub, cut off from this process: a session of its own, its output in the log, no inherited handle."""
    import subprocess

    import arc

    here = working_directory()
    options.storage, options.spool_dir = str(storage), str(here / options.spool_dir)
    program = Path(arc.__file__).with_name("__main__.py")
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:  # noqa: PTH123
        return subprocess.Popen(
            [sys.executable, "-P", str(program), *hub_arguments(options)],
            cwd=storage.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _put_aside(log: Path) -> int:
    """Begin a new log when the old one is long; where in the log the next hub will write."""
    try:
        size = log.stat().st_size
    except OSError:
        return 0
    if size <= MAX_LOG_BYTES:
        return size
    log.replace(log.with_name(f"{LOG}.1"))
    return 0


def _read(log: Path, begins_at: int) -> str:
    """What a hub that failed wrote, without what it says of itself in good times."""
    with log.open("rb") as file:
        file.seek(begins_at)
        lines = file.read().decode(errors="replace").strip().splitlines()
    errors = [line.removeprefix("arc error: ") for line in lines if line.startswith("arc error: ")]
    return "\n".join(errors or lines)[-TOLD_CHARS:]


def _tell(url: str, *, started: bool, error: str | None = None) -> int:
    answer: dict[str, object] = {"running": error is None, "started": started, "url": url}
    print_json(answer if error is None else {**answer, "error": error})
    return 0 if error is None else 1
