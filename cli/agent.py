"""What `arc post`, `arc poll` and `arc whoami` share: an agent that registers, speaks, and tells when it cannot."""

from __future__ import annotations

from cli.errors import in_words
from cli.options import AgentOptions, RegisteringOptions, check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from arc import ArcClient


def speak(options: RegisteringOptions, act: Callable[[ArcClient], None]) -> int:
    """Register the agent and let it act; its session stays open, so that others see that it is there.

    The agent of the window in whose shell this runs is registered already, and goes on within its session: a new one
    would not be the window's any more.

    Args:
        options: who speaks to which hub.
        act: what it does; prints its result.

    Returns:
        The exit code. A failure is printed as `arc error: …` on the standard output, where scripts written for
        Arc 0.1.1 look for it.
    """

    def register_and_act(client: ArcClient) -> None:
        if options.parent is not None or not _is_own_window(client):
            client.register(parent=options.parent)
        act(client)

    return act_as(options, register_and_act)


def _is_own_window(client: ArcClient) -> bool:
    """Whether the agent is that of the window in whose shell this runs."""
    from arc.host_session import find_host_session

    window = find_host_session()
    if window is None:
        return False
    hosts = [one["metadata"].get("host") for one in client.agents() if one["agent_id"] == client.agent_id]
    return any(isinstance(host, dict) and window.is_same(host) for host in hosts)


def act_as(options: AgentOptions, act: Callable[[ArcClient], None]) -> int:
    """Let the agent act, whatever session it has.

    Args:
        options: who speaks to which hub.
        act: what it does; prints its result.

    Returns:
        The exit code; a failure is printed as `speak` prints it.
    """
    from arc.client import ArcClient
    from arc.errors import ArcError

    check_text(*(value for value in vars(options).values() if isinstance(value, str)))
    try:
        act(ArcClient(options.agent, options.base_url))
    except ArcError as error:
        print(f"arc error: {in_words(error)}")
        return 1
    return 0
