"""Arc's client: coordinate agents through a hub, over HTTP or over files.

    from arc import ArcClient

    with ArcClient.quickstart("ada") as ada:
        ada.post("general", "I take the parser.")
        for message in ada.poll(timeout=30):
            print(message["from_agent"], message["body"])

The standard library only, and nothing of the hub: to have a hub, call `ensure_hub`, which starts the command
`arc`. A name is loaded when it is first used, because agents start Python thousands of times.

    client          `ArcClient`; `reader`, `posting`, `leases`, `tasks`, `questions`, `wakes` are its parts, and
                    `shapes` are its answers
    http, spool     the two ways to a hub; `connection`, `urls`, `light_json` and `errors` below them
    poll_places, preconditions
                    how far polls have read, and what a change relies on
    finding         which hub a folder means; `host_session`: who asks when nobody gave a name
    hub, defaults   starting and ending hubs; `smoke` tries one; `own_agent`: who this window is
    harnesses       the coding agents that Arc guards, and how they differ
    arc_hook, git_hook
                    what coding agents and git run; `git_hub`, `hook_over_relay` and `hub_away` are their ways to a hub
    windows         what Windows tells of processes
"""

from __future__ import annotations

TYPE_CHECKING = False  # as from `typing`, which takes half as long to load as Python does to start

if TYPE_CHECKING:
    from arc.client import ArcClient
    from arc.errors import ArcError
    from arc.hub import ensure_hub, reset_hub, stop_hub
    from arc.preconditions import RelyingOn
    from arc.smoke import SmokeError, run_smoke_agent
    from arc.spool import FileRelayClient, ensure_spool_dirs

__version__ = "1.0.0"

__all__ = [
    "ArcClient",
    "ArcError",
    "FileRelayClient",
    "RelyingOn",
    "SmokeError",
    "__version__",
    "ensure_hub",
    "ensure_spool_dirs",
    "reset_hub",
    "run_smoke_agent",
    "stop_hub",
]

_HOMES = {
    "ArcClient": "client",
    "ArcError": "errors",
    "FileRelayClient": "spool",
    "RelyingOn": "preconditions",
    "SmokeError": "smoke",
    "ensure_hub": "hub",
    "ensure_spool_dirs": "spool",
    "reset_hub": "hub",
    "run_smoke_agent": "smoke",
    "stop_hub": "hub",
}


if not TYPE_CHECKING:  # a type checker knows the names from the imports above, and should miss the others

    def __getattr__(name: str) -> object:
        """Load the public name `name` on first use."""
        if name not in _HOMES:
            message = f"module 'arc' has no attribute {name!r}"
            raise AttributeError(message)
        from importlib import import_module

        value = getattr(import_module(f"arc.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
