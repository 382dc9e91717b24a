"""What changed while the hub was away: nobody was asked about it, so it is told when the hub is back.

Files that differ from the last commit and were changed after the last event that an agent caused are named in
`general`, once at each start of a hub. That is done only where hooks are in use, as a file that was touched tells.
"""

import os
from typing import Final

from api.hooks.guarded_git import GitSilent, digest_of, list_changed
from api.hooks.named_files import NamedFiles
from api.hooks.news import plain
from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError
from arclog.events import GENERAL_CHANNEL
from arclog.limits import MICROSECONDS
from projections import files
from projections.hub.hub import Hub

NAME: Final = "guard"
"""Who tells it."""
MAX_NAMES: Final = 500


async def tell_absence(hub: Hub) -> None:
    """Name the files that changed since an agent did something last; nothing where nobody's hooks are in use."""
    if not hub.read(files.are_touched):
        return
    since = hub.read(files.find_last_doing)
    root = hub.roots.own.folder
    try:
        changed = await list_changed(root)
    except GitSilent:
        return
    named = NamedFiles(hub.roots)
    names = [path for path in changed if _is_news(hub, named.find_key(path), path, since)]
    if not names:
        return
    told = PostMessage(from_agent=NAME, channel=GENERAL_CHANNEL, kind="notice", body=_say(names, root))
    try:
        await hub.execute(told, transport="hook")
    except ArcError:
        return


def _is_news(hub: Hub, key: str | None, path: str, since: int) -> bool:
    try:
        if key is None or os.stat(path).st_mtime * MICROSECONDS <= since:  # noqa: PTH116
            return False
    except OSError:
        return False
    last = hub.read(files.find_last_write, key, hub.now())
    return last is None or last.digest is None or last.digest != digest_of(path)


def _say(paths: list[str], root: str) -> str:
    shown = "\n".join(plain(os.path.relpath(path, root)) for path in paths[:MAX_NAMES])
    more = f"\nand {len(paths) - MAX_NAMES} more" if len(paths) > MAX_NAMES else ""
    count = "1 file has" if len(paths) == 1 else f"{len(paths)} files have"
    return f"While no hub watched, {count} changed; nobody knows by whom. Read before you edit:\n{shown}{more}"
