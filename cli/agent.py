"""What `arc post`, `arc poll` and `arc whoami` share: an agent that registers, speaks, and tells when it cannot."""

from __future__ import annotations

from cli.errors import WrongArguments, in_words
from cli.options import AgentOptions, RegisteringOptions, check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from arc import ArcClient

    class MayNameAgent(Protocol):
        """Options of a command that an agent gives."""

        agent: str | None
        base_url: str | None


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
    from arc.own_agent import is_of

    window = find_host_session()
    return window is not None and any(
        one["agent_id"] == client.agent_id and is_of(window, one) for one in client.agents()
    )


def settle_agent(options: MayNameAgent) -> str:
    """Who speaks: the one that is named, else the agent of the window in whose shell this runs, which is kept.

    Raises:
        ArcError: the hub does not say who is there.
        WrongArguments: no agent is named, and this is in no window that is known.
    """
    if options.agent is None:
        from arc.finding.which_hub import choose_hub
        from arc.http import HttpTransport
        from arc.own_agent import find_own_agent

        def list_agents() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = HttpTransport(choose_hub(options.base_url).url).call("GET", "/v1/agents")[
                "result"
            ]
            return found

        options.agent = find_own_agent(list_agents)
    if options.agent is None:
        raise WrongArguments("say who speaks: --agent ID, which only the shell of a harness's window may leave out")
    return options.agent


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
        act(ArcClient(settle_agent(options), options.base_url))
    except ArcError as error:
        print(f"arc error: {in_words(error)}")
        return 1
    return 0
