"""`arc stop`: end the hub of a storage, and nothing else."""

import argparse
import os
import signal
from pathlib import Path
from typing import Final

from cli.errors import CommandFailed
from cli.hubs.addresses import url_of
from cli.hubs.find_hub import Found, find_at_address, find_by_note
from cli.hubs.probe import NotAHub, RunningHub, split_url
from cli.hubs.processes import listens, wait_for_end
from cli.options import DEFAULT_PORT, PlaceOptions, add_place_options
from cli.output import print_json
from cli.paths import working_directory

ASK_SEC: Final = 10.0
STOP_WITHIN_SEC: Final = 30.0
"""Longer than a hub takes to answer what is on its way and to close its storage."""


class Options(PlaceOptions):
    """Which hub."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `Options`."""
    add_place_options(parser)


def run(options: Options) -> int:
    """Print `{stopped, pid, url}` when its port is closed, `{stopped: false, error}` when there is none to stop."""
    try:
        hub, pid = stop_hub(working_directory() / options.storage, url_of(options.host, options.port))
    except CommandFailed as error:
        print_json({"stopped": False, "error": str(error)})
        return 1
    print_json({"stopped": True, "pid": pid, "url": hub.url})
    return 0


class NoHub(CommandFailed):
    """No hub of the storage runs."""


def stop_hub(storage: Path, url: str) -> tuple[RunningHub, int]:
    """Stop the hub of `storage`, and wait until its process has ended.

    Args:
        storage: the hub's database.
        url: where it listens; at the default port, a `.arc.pid` may lead elsewhere.

    Returns:
        The hub that was stopped, and its process.

    Raises:
        NoHub: none runs.
        CommandFailed: it cannot be told which process it is, or it does not end.
    """
    found = _find(storage, url)
    hub, pid = found.hub, found.pid
    if pid is None:
        raise CommandFailed(f"the hub at {hub.url} answers, but no .arc.pid tells its process: end it by hand")
    if listens(pid, split_url(hub.url)[1]) is False:
        raise CommandFailed(f"process {pid} is not what listens on {hub.url}: stop the hub where it was started")
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise CommandFailed(f"the hub at {hub.url} (process {pid}) belongs to another user") from None
    if not wait_for_end(pid, STOP_WITHIN_SEC):
        raise CommandFailed(f"the hub at {hub.url} (process {pid}) has not ended within {STOP_WITHIN_SEC:g} s")
    return hub, pid


def _find(storage: Path, url: str) -> Found:
    """The hub that is meant: the one at the address that was named, if several share the storage.

    Nobody has to name an address: where it is the usual one, a `.arc.pid` leads to a hub that listens elsewhere.
    """
    problem = ""
    try:
        found = find_at_address(storage, url, ASK_SEC)
    except NotAHub as error:
        found, problem = None, f" for {storage}: {error}"
    if found is None and split_url(url)[1] == DEFAULT_PORT:
        found = find_by_note(storage)
    if found is None:
        raise NoHub(f"no running hub found{problem}")
    return found
