"""`arc ensure`: a hub that answers, started in the background unless there is one.

However many run at once, one hub is started: the one that finds none takes the lock of the storage (`.arc.lock` beside
it; the database itself is never opened here), looks again, starts the hub, and lets the lock go when the hub answers.
The others then find it.
"""

import math
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arc.finding.probe import NotAHubError
from arc.urls import split_url, url_of
from cli.arguments import Arguments
from cli.errors import CommandFailed, in_words
from cli.hubs.addresses import lan_url
from cli.hubs.filesystems import is_full, told_owner
from cli.hubs.find_hub import ASK_SEC, FoundHub, SilentHub, find_at_address, find_by_note
from cli.hubs.git_exclude import keep_out_of_sight
from cli.hubs.network_token import line_for_clients, source_of
from cli.hubs.settings import IN_WORDS, HubSettings, arguments_for, given, resolve_settings
from cli.hubs.storage_lock import holding
from cli.hubs.which_storage import storage_of
from cli.options import HubOptions, add_hub_options, seconds
from cli.output import print_json, print_note

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


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_hub_options(parser)
    parser.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="SEC", help="how long to wait for the hub's first answer (60)"
    )


def run(options: Options) -> int:
    """Print `{running, started, url[, error]}`; 0 when a hub of this storage answers and runs as it was asked to."""
    storage = storage_of(options.storage)
    settings = resolve_settings(options, storage)
    url = url_of(settings.host, settings.port, secure=bool(settings.tls_cert))
    give_up_at = time.monotonic() + options.timeout
    try:
        found = _find(settings, url, give_up_at)
        if found is None:
            with holding(storage, give_up_at):
                found = _find(settings, url, give_up_at)
                if found is None:
                    return _start(options, settings, url, give_up_at)
    except NotAHubError as error:
        return _tell(url, error=f"{error}; choose another port with --port, or stop what listens there")
    except (CommandFailed, OSError) as error:
        return _tell(url, error=in_words(error))
    hub = found.hub
    if hub.is_gone or (not Path(hub.storage).exists() and not storage.exists()):
        problem = hub.info.get("problem") or f"the storage {hub.storage} was deleted; restart the hub"
        return _tell(hub.url, error=f"{problem}: arc stop, then arc ensure")
    if hub.is_011:
        print_note(f"arc: the hub at {hub.url} is one of Arc 0.1.1; to use this Arc, see: arc log import --help")
    other = _differences(options, found)
    if other:
        again = "end it with arc stop, then ensure it again, or leave these options out"
        return _tell(hub.url, running=True, error=f"the hub of {storage} runs {', '.join(other)}: {again}")
    _tell_of_network(settings, hub.url)
    return _tell(hub.url, running=True)


def _tell_of_network(settings: HubSettings, url: str) -> None:
    """Tell the user how other machines reach the hub at `url`, if they do."""
    elsewhere = lan_url(settings.host, split_url(url).port, secure=bool(settings.tls_cert))
    if not elsewhere or not settings.allow_remote:
        return
    source = source_of(settings)
    if source is None:
        print_note(f"arc: other machines reach it at {elsewhere}, and can do everything without a token (--no-auth)")
    else:
        print_note(f"arc: other machines reach it at {elsewhere}: {line_for_clients(elsewhere, source)}")


def _find(settings: HubSettings, url: str, give_up_at: float) -> FoundHub | None:
    """The hub of the storage that runs, wherever; one that is there and busy is waited for.

    Raises:
        SilentHub: it stands still, or has said nothing all the time.
        NotAHubError: something else listens on the port that was named.
    """
    while True:
        try:
            return _look(settings, url, max(give_up_at - time.monotonic(), 0.1))
        except SilentHub as silent:
            if not silent.may_answer or time.monotonic() > give_up_at:
                raise


def _look(settings: HubSettings, url: str, within_sec: float) -> FoundHub | None:
    """The hub of the storage, by its note, else on the port.

    If it is on neither and the port was named, whatever listens there is in the way; another port would be as good
    otherwise. A hub on a port of its own choice (`--port 0`) is found by its note alone.
    """
    found = find_by_note(settings.storage)
    if found is not None or settings.port == 0:
        return found
    try:
        return find_at_address(settings.storage, url, within_sec if settings.port_given else min(within_sec, ASK_SEC))
    except NotAHubError:
        if settings.port_given:
            raise
        return None


def _differences(options: Options, found: FoundHub) -> list[str]:
    """What was asked for and is otherwise, as in `with --port 6969, not 7000`."""
    runs = {**found.options, **found.hub.info, "port": split_url(found.hub.url).port}
    asked = given(options)
    if asked.get("port") == 0:
        del asked["port"]
    return [
        f"with {_shown(name, runs[name])}, not {_shown(name, value)}"
        for name, value in asked.items()
        if name in runs and not _is_alike(runs[name], value)
    ]


def _shown(name: str, value: object) -> str:
    if name == "allow_remote":
        return IN_WORDS[name] if value else "calls from this machine only"
    return f"{IN_WORDS[name]} {value:o}" if name == "spool_mode" else f"{IN_WORDS[name]} {value}"


def _is_alike(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other)
    return one == other


def _start(options: Options, settings: HubSettings, url: str, give_up_at: float) -> int:
    if find_spec("apsw") is None:
        raise ModuleNotFoundError("the hub could not start", name="apsw")  # told here, not in the hub's log
    remark = keep_out_of_sight(settings.storage, settings.spool_dir)
    if remark:
        print_note(f"arc: {remark}")
    log = settings.storage.parent / LOG
    if log.exists() and not os.access(log, os.W_OK):
        raise CommandFailed(f"{log} cannot be written: {told_owner(log)}")
    begins_at = _put_aside(log)
    child = _spawn(options, settings.storage, log)
    found, trouble = None, ""
    while found is None and child.poll() is None:
        if time.monotonic() > give_up_at:
            late = f"the hub (process {child.pid}) has not answered within {options.timeout:g} s; its log is {log}"
            return _tell(url, started=True, error=late)
        try:
            found = _find(settings, url, give_up_at)
        except NotAHubError as error:  # it ended while it was asked, or somebody else was faster on the port
            trouble = str(error)
        time.sleep(LOOK_SEC)
    if found is None:
        said = _read(log, begins_at) or (f"no space left in {log.parent}" if is_full(log.parent) else trouble)
        said = said or f"the hub ended with code {child.returncode} and said nothing"
        return _tell(url, error=said)
    if settings.port not in {0, split_url(found.hub.url).port}:
        print_note(f"arc: port {settings.port} is taken, so this hub listens on {found.hub.url}")
    _tell_of_network(settings, found.hub.url)
    return _tell(found.hub.url, running=True, started=True)


def _spawn(options: Options, storage: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start the hub, cut off from this process, its output in the log."""
    import arc
    from cli.hubs.detached import start_detached

    program = Path(arc.__file__).with_name("__main__.py")
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:  # noqa: PTH123
        return start_detached(
            [sys.executable, "-P", str(program), *arguments_for(options, storage)], storage.parent, output
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


def _tell(url: str, *, running: bool = False, started: bool = False, error: str | None = None) -> int:
    answer: dict[str, object] = {"running": running, "started": started, "url": url}
    print_json(answer if error is None else {**answer, "error": error})
    return 0 if error is None else 1
