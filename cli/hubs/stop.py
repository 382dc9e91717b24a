"""`arc stop`: end the hub of a storage, and nothing else."""

from pathlib import Path
from typing import Final

from arc.finding.kept_options import DEFAULTS, read_options
from arc.finding.listeners import listens
from arc.finding.probe import NotAHubError, RunningHub
from arc.urls import DEFAULT_PORT, split_url, url_of
from cli.arguments import Arguments
from cli.errors import CommandFailed
from cli.hubs.find_hub import FoundHub, find_all_by_note, find_at_address, find_by_note
from cli.hubs.process_state import wait_for_end
from cli.hubs.telling_to_end import tell_to_end
from cli.hubs.which_storage import storage_of
from cli.options import PlaceOptions, add_place_options
from cli.output import print_json, print_note

ASK_SEC: Final = 10.0
STOP_WITHIN_SEC: Final = 30.0
"""Longer than a hub takes to answer what is on its way and to close its storage."""


class Options(PlaceOptions):
    """Which hub."""


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    add_place_options(parser)


def run(options: Options) -> int:
    """Print `{stopped, pid, url}` when its port is closed, `{stopped: false, error}` when there is none to stop."""
    storage = storage_of(options.storage)
    try:
        hub, pid = stop_hub(storage, options.host, options.port)
    except CommandFailed as error:
        print_json({"stopped": False, "error": str(error)})
        return 1
    print_json({"stopped": True, "pid": pid, "url": hub.url})
    for left in find_all_by_note(storage):
        print_note(f"arc: another hub of {storage} goes on at {left.hub.url}: arc stop ends that too")
    return 0


class NoHub(CommandFailed):
    """No hub of the storage runs."""


def stop_hub(storage: Path, host: str | None, port: int | None) -> tuple[RunningHub, int]:
    """Stop the hub of `storage`, and wait until its process has ended.

    Args:
        storage: the hub's database.
        host: where it listens; None for where its storage says.
        port: the same.

    Returns:
        The hub that was stopped, and its process.

    Raises:
        NoHub: none runs.
        CommandFailed: it cannot be told which process it is, or it does not end.
    """
    found = _find(storage, host, port)
    hub, pid = found.hub, found.pid
    if pid is None:
        raise CommandFailed(f"the hub at {hub.url} answers, but no .arc.pid tells its process: end it by hand")
    if listens(pid, split_url(hub.url).port) is False:
        raise CommandFailed(f"process {pid} is not what listens on {hub.url}: stop the hub where it was started")
    tell_to_end(hub, pid)
    if not wait_for_end(pid, STOP_WITHIN_SEC):
        raise CommandFailed(f"the hub at {hub.url} (process {pid}) has not ended within {STOP_WITHIN_SEC:g} s")
    return hub, pid


def _find(storage: Path, host: str | None, port: int | None) -> FoundHub:
    """The hub that is meant: the one at the port that was named, if several share the storage.

    Nobody has to name a port: notes lead to it. They do so too for the usual one, which scripts for Arc 0.1.1 name.
    """
    found, problem = None if port is not None else find_by_note(storage), ""
    if found is None:
        there = {**DEFAULTS, **read_options(str(storage))}
        url = url_of(host or str(there["host"]), port or int(str(there["port"])))
        try:
            found = find_at_address(storage, url, ASK_SEC)
        except NotAHubError as error:
            problem = f" for {storage}: {error}"
    if found is None and port == DEFAULT_PORT:
        found = find_by_note(storage)
    if found is None:
        raise NoHub(f"no running hub found{problem}")
    return found
