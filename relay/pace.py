"""How long the relay waits for what, and how much it takes on."""

from msgspec import Struct


class Pace(Struct, frozen=True, kw_only=True):
    """How long the relay waits, in seconds, and how much of one agent it takes on at once.

    Attributes:
        quiet_sec: how long a file that is not whole must stay as it is before it is judged; a mount may bring it in
            parts.
        patience_sec: how long a file that keeps changing is waited for.
        look_again_sec: how often it is looked at meanwhile.
        retry_sec: after how long a file is tried again that could not be taken, or a response that could not be
            written.
        hook_sec: how long a hook's file may have lain there; nobody waits for the answer to an older one.
        reconnect_sec: the first and the longest pause between two attempts to reach the hub.
        idle_share: the pause between two looks at the spool, as a share of the time since the last request.
        prune_every_sec: how often answered requests that are old are deleted.
        prune_after: how many responses make that worth while.
        max_known: requests of one agent that are remembered before they are taken.
        beside: long polls and unfinished files of one agent that are waited for at once; what is beyond waits in the
            queue.
    """

    quiet_sec: float = 3.0
    patience_sec: float = 10.0
    look_again_sec: float = 0.1
    retry_sec: float = 2.0
    hook_sec: float = 10.0
    reconnect_sec: tuple[float, float] = (0.05, 2.0)
    idle_share: float = 1 / 50
    prune_every_sec: float = 60.0
    prune_after: int = 200
    max_known: int = 2000
    beside: int = 64
