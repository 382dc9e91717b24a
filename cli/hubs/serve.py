"""`arc`: a hub and its relay in the foreground, until SIGTERM, Ctrl-C or a shutdown over HTTP ends them."""

import gc
import logging
import signal
from pathlib import Path
from typing import Final

from arc import __version__
from cli.arguments import Arguments
from cli.commands import COMMANDS
from cli.dispatch import list_commands
from cli.errors import CommandFailed
from cli.hubs.filesystems import check_access, make_folder_of
from cli.hubs.find_hub import find_by_note
from cli.hubs.git_exclude import keep_out_of_sight
from cli.hubs.mounts import find_unsafe_filesystem
from cli.hubs.output import TEXT, write_json
from cli.hubs.settings import resolve_settings
from cli.hubs.which_storage import storage_of
from cli.options import HubOptions, add_hub_options

log: Final = logging.getLogger("arc")


class Options(HubOptions):
    """How the hub is to be run."""

    quiet: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`, and name the other commands."""
    parser.usage = "arc [options]\n       arc COMMAND [options]"
    parser.add_argument("--version", action="version", version=f"arc {__version__}")
    add_hub_options(parser)
    parser.add_argument("--quiet", action="store_true", help="print nothing but warnings")
    list_commands(parser, COMMANDS)


def run(options: Options) -> int:
    """Serve until told to end; 0 after a good end."""
    # Until the hub serves there is nothing to finish: Ctrl-C ends the process, even in the middle of a rebuild.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    level = logging.WARNING if options.quiet else logging.INFO
    logging.basicConfig(level=level, format=TEXT)
    storage = _prepare(storage_of(options.storage))
    if options.port is None:
        running = find_by_note(storage)
        if running is not None:
            raise CommandFailed(
                f"the hub of {storage} is already running at {running.hub.url}: name --port for a second one"
            )
    settings = resolve_settings(options, storage)
    if settings.log_format == "json":
        write_json()
    if settings.log:
        _refuse_second(storage)
    remark = keep_out_of_sight(storage, settings.spool_dir)
    if remark:
        log.info("%s", remark)
    # All that is loaded stays, so the collector need not look through it, neither now nor later.
    gc.disable()
    from cli.hubs.wiring import run_hub

    gc.freeze()
    gc.enable()
    run_hub(settings)
    return 0


def _refuse_second(storage: Path) -> None:
    """A copy of a log elsewhere has one hub, whatever the port."""
    running = find_by_note(storage)
    if running is not None:
        raise CommandFailed(
            f"the hub of {storage} is already running at {running.hub.url}: a second hub on a log needs a copy of its "
            "own, so name another --storage"
        )


def _prepare(storage: Path) -> Path:
    if storage.is_dir():
        raise CommandFailed(f"{storage} is a folder: name a file in it with --storage")
    make_folder_of(storage)
    check_access(storage, writing=True)
    unsafe = find_unsafe_filesystem(storage.parent)
    if unsafe is not None:
        log.warning(
            "%s is on a filesystem (%s) whose locks cannot be relied on: let one hub alone use it, "
            "or put the storage on a local disk",
            storage,
            unsafe,
        )
    return storage
