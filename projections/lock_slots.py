"""Slots: the places of the rows of one key, which several agents may hold side by side.

The rows of one key share a slot as long as one agent alone has it: what is granted next takes the place of what was.
Of agents that share a key each has a slot of its own, and so has a sub-agent, which may have a key alone beside its
parent.
"""

from functools import lru_cache
from typing import Final

from arclog.deciders.families import SEPARATOR
from arclog.events.leases import Mode

MAX_KNOWN_SLOTS: Final = 1_024
"""Slots whose parts are remembered; the same few are asked about again and again."""
_SHARER: Final = "\n"
"""What stands in a slot between the key and the agent that shares it, and after a sub-agent that has it alone; no key
and no agent holds a line feed."""


@lru_cache(MAX_KNOWN_SLOTS)
def parts_of(slot: str) -> tuple[str, Mode]:
    """Whose slot it is, a key's, and how that is held in it."""
    key, sharer, _agent_id = slot.partition(_SHARER)
    return key, "shared" if sharer and not slot.endswith(_SHARER) else "exclusive"


def key_of(slot: str) -> str:
    """Whose slot it is."""
    return parts_of(slot)[0]


def mode_of(slot: str) -> Mode:
    """How the key is held in it."""
    return parts_of(slot)[1]


def shared_slot(key: str, agent_id: str) -> str:
    """Where the row of an agent stands that shares a key."""
    return f"{key}{_SHARER}{agent_id}"


def range_of_sharers(key: str) -> dict[str, str]:
    """Between which slots those of a key's sharers are, and of sub-agents that have it alone: `low` and `high`."""
    return {"low": key + _SHARER, "high": key + "\v"}


def slot_for(key: str, agent_id: str, *, alone: bool, is_sub_agent: bool) -> str:
    """Where an agent's row stands. A sub-agent that has a key alone may have it beside its parent."""
    if not alone:
        return shared_slot(key, agent_id)
    return f"{key}{_SHARER}{agent_id}{_SHARER}" if is_sub_agent else key


def slots_of(key: str, agent_id: str) -> tuple[str, ...]:
    """Where an agent's rows may stand."""
    slots = (key, shared_slot(key, agent_id))
    return (*slots, slot_for(key, agent_id, alone=True, is_sub_agent=True)) if SEPARATOR in agent_id else slots
