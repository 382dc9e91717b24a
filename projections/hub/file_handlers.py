"""The shell around the rules of files: paths become keys of one working tree, and are looked up."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from arclog.deciders import files as file_rules
from arclog.deciders.locks import several_paths
from arclog.errors import InvalidInput
from arclog.events.locks import LockedPath
from projections import files, sessions
from projections.hub.context import Context
from projections.hub.outcomes import Decision, Outcome
from projections.intervals import AsOf


def _touch_files(context: Context, command: file_rules.TouchFiles, at: AsOf) -> Decision:
    if command.digests and len(command.digests) != len(command.paths):
        raise InvalidInput("digests", "must be as many as paths")
    paths = tuple(
        LockedPath(
            path, None if (key := context.key_of("paths", path, command.agent_id.strip(), tree=True)) == path else key
        )
        for path in several_paths(command.paths)
    )
    stale: frozenset[str] = frozenset()
    if not command.wrote:
        agent_id = command.agent_id.strip()
        began_at = context.snapshot.read(sessions.find_beginning, agent_id, at)
        keys = (path.key or path.file_path for path in paths)
        stale = frozenset(key for key in keys if context.snapshot.read(files.find_news, key, agent_id, began_at, at))
    return file_rules.decide_touch(file_rules.Touching(paths, stale), command, at.now) or Outcome(b"null")


def _end_turn(context: Context, command: file_rules.EndTurn, at: AsOf) -> Decision:
    held = context.leases.standing.held_by(command.agent_id.strip())
    automatic = sorted((one for one in held if one.is_automatic), key=lambda one: (one.token, one.key))
    return file_rules.decide_end_turn(automatic, command, at.now) or Outcome(b"null")


HANDLERS: Final[Mapping[type, Callable[[Context, Any, AsOf], Decision]]] = {
    file_rules.TouchFiles: _touch_files,
    file_rules.EndTurn: _end_turn,
}
