"""The hooks that a harness's file names: which there are, and whether they can work."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from arc.harnesses import HARNESSES
from cli.setup.json_edits import OURS

Json = dict[str, Any]
_MODE: Final = re.compile(r"mode[ =](\w+)")
_HUB: Final = re.compile(r'^const HUB = "(.*)"$', re.MULTILINE)
_HOOK: Final = re.compile(r"^const HOOK = (\[.*\])$", re.MULTILINE)


def needed_events(harness: str) -> list[str]:
    """The moments at which a harness must call the hub, of those that it has; without the others less is told."""
    events = HARNESSES[harness].events
    return [name for name in (events.start, events.before, events.after, events.stop, events.end) if name]


class Called(Struct, frozen=True):
    """What one hook calls.

    Attributes:
        url: the hub, with the hook's path; empty for a command.
        words: the command.
    """

    url: str = ""
    words: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        """What is judged: `auto`, `check` or `off`."""
        told = _MODE.search(self.url or " ".join(self.words))
        return told[1] if told else "auto"

    def find_fault(self, url: str) -> str:
        """Why it cannot work; empty where it can.

        Args:
            url: the hub that is to be called.
        """
        if self.url:
            return "" if self.url.startswith(f"{url}/") else f"it calls {self.url}, and the hub is at {url}"
        script = next((word for word in self.words if word.endswith(".py")), self.words[0])
        gone = [name for name in (self.words[0], script) if "/" in name and not Path(name).exists()]
        return f"{gone[0]} is not there any more" if gone else ""


def read_hooks(harness: str, text: str) -> dict[str, Called]:
    """What is called at each moment, by the name that the harness has for it.

    Args:
        harness: whose file it is.
        text: what the file holds.
    """
    wanted = needed_events(harness)
    if harness == "opencode":
        return dict.fromkeys(wanted, called) if (called := _read_plugin(text)) is not None else {}
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    hooks = content.get("hooks") if isinstance(content, dict) else None
    if not isinstance(hooks, dict):
        return {}
    found: dict[str, Called] = {}
    for event in wanted:
        for group in hooks.get(event, ()):
            for hook in group.get("hooks", (group,)):
                if OURS.search(json.dumps(hook)):
                    found[event] = _read_hook(hook)
    return found


def find_fault(harness: str, text: str, url: str) -> str:
    """Why the hooks in a file cannot work; empty where they can.

    Args:
        harness: whose file it is.
        text: what the file holds.
        url: the hub that is to be called.
    """
    hooks = read_hooks(harness, text)
    fault = next((reason for hook in hooks.values() if (reason := hook.find_fault(url))), "")
    missing = [event for event in needed_events(harness) if event not in hooks]
    return fault or (f"{', '.join(missing)} has no hook" if missing else "")


def _read_hook(hook: Json) -> Called:
    if "url" in hook:
        return Called(url=str(hook["url"]))
    return Called(words=tuple(shlex.split(str(hook.get("command", "")))) or ("",))


def _read_plugin(text: str) -> Called | None:
    hub, hook = _HUB.search(text), _HOOK.search(text)
    if hub is not None and hub[1]:
        return Called(url=hub[1])
    words = json.loads(hook[1]) if hook is not None else []
    return Called(words=tuple(words)) if words else None
