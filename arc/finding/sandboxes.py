"""Whether this process is in a sandbox, where a hub that it starts would be cut off from everybody else's."""

from __future__ import annotations

import os

NO_NETWORK = "CODEX_SANDBOX_NETWORK_DISABLED"
"""What Codex sets where it takes the network away."""
INSIDE = "SANDBOX"
"""What Gemini CLI, and Qwen Code after it, set in the sandbox that they start themselves anew in."""
WITH_INSIDE = frozenset({"gemini", "qwen"})
INTERFACES = "/proc/net/dev"
EVERYWHERE = frozenset(
    {"lo", "sit0", "tunl0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0"}
)
"""Interfaces that Linux gives every network, also one that leads nowhere."""


def is_in_sandbox(harness: str, interfaces: str = INTERFACES) -> bool:
    """Whether it is, as far as the harness or the system tells.

    Args:
        harness: the coding agent that asks.
        interfaces: where Linux tells of the network's interfaces; other systems do not.
    """
    if os.environ.get(NO_NETWORK) or (harness in WITH_INSIDE and os.environ.get(INSIDE)):
        return True
    try:
        with open(interfaces, encoding="ascii", errors="replace") as file:
            lines = file.readlines()[2:]
    except OSError:
        return False
    return {line.partition(":")[0].strip() for line in lines} <= EVERYWHERE
