"""The world: one seed decides who moves next, and time passes only when nobody can."""

from collections.abc import Callable
from random import Random
from typing import Protocol
from uuid import UUID

SECOND = 1_000_000


class Killed(BaseException):
    """What runs belongs to a process that was killed meanwhile: nothing more comes of it."""


class Odd(RuntimeError):
    """What nobody expects of a disk, or of anything."""


class Owner(Protocol):
    """A process; `is_dead` once it was killed."""

    name: str
    is_dead: bool


class Actor:
    """What can move by itself: an event loop, or a thread.

    Args:
        owner: the process that it is of.
        name: what the trace calls it.

    Attributes:
        is_moving: whether it is in the middle of a step: others may move while that waits.
    """

    def __init__(self, owner: Owner, name: str) -> None:
        self.owner = owner
        self.name = name
        self.is_moving = False

    def next_at(self) -> int | None:
        """When it can move; None while it has nothing to do."""
        raise NotImplementedError

    def step(self) -> None:
        """Move once."""
        raise NotImplementedError

    def wait_for(self, condition: Callable[[], bool], until: int | None) -> bool | None:
        """In the middle of a step, wait until something is so, or time is over.

        Returns:
            Whether it is so; None where it cannot wait by itself, so that the others move within its step.
        """
        return None


class World:
    """Everything that a seed decides.

    Args:
        seed: all that happens follows from it.

    Attributes:
        random: draws what happens.
        now: microseconds since the beginning.
        trace: what happened, a line each.
        failures: what nobody may see: faults of the code itself.
        is_odd: whether something happened that nobody expects, so that the hub may say that it failed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311 - a run is to be played again
        self._names = Random(seed)  # noqa: S311 - likewise; apart, so that a further name changes no schedule
        self.now = 0
        self.trace: list[str] = []
        self.failures: list[str] = []
        self.is_odd = False
        self._actors: list[Actor] = []
        self._moving: list[Actor] = []

    def tell(self, line: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{self.now / SECOND:.6f} {line}")

    def chance(self, probability: float) -> bool:
        """Whether something happens that does so with this probability."""
        return self.random.random() < probability

    def draw_sec(self, *, usual: float, longest: float) -> float:
        """How long something takes: mostly up to `usual` seconds, now and then up to `longest`."""
        return self.random.random() * (longest if self.chance(0.05) else usual)

    def make_uuid(self) -> UUID:
        """A name that no other thing has."""
        return UUID(int=self._names.getrandbits(128), version=4)

    def make_bytes(self, count: int) -> bytes:
        """Bytes that nobody can guess, except by the seed."""
        return self._names.randbytes(count)

    # Who moves --------------------------------------------------------------------------------------------------------

    @property
    def running(self) -> Owner:
        """The process that runs now."""
        return self._moving[-1].owner

    def add(self, actor: Actor) -> None:
        """One more can move from now on."""
        self._actors.append(actor)

    def remove(self, owner: Owner) -> None:
        """A process moves no more."""
        self._actors = [actor for actor in self._actors if actor.owner is not owner]

    def is_moving(self, owner: Owner) -> bool:
        """Whether a process is in the middle of a step."""
        return any(actor.owner is owner for actor in self._moving)

    def step(self, until: int | None = None) -> bool:
        """Let one of those move who can; where nobody can, let time pass until somebody can.

        Args:
            until: a moment beyond which no time passes.

        Returns:
            Whether anybody moved.
        """
        ready: list[Actor] = []
        soonest: int | None = None
        for actor in self._actors:
            if actor.is_moving or (at := actor.next_at()) is None:
                continue
            at = max(at, self.now)
            if soonest is None or at < soonest:
                ready, soonest = [actor], at
            elif at == soonest:
                ready.append(actor)
        if soonest is None or (until is not None and soonest > until):
            return False
        self.now = soonest
        self._move(ready[0] if len(ready) == 1 else self.random.choice(ready))
        return True

    def _move(self, actor: Actor) -> None:
        actor.is_moving = True
        self._moving.append(actor)
        try:
            actor.step()
        except Killed:
            assert actor.owner.is_dead
        finally:
            self._moving.pop()
            actor.is_moving = False
            self.now += 1  # nothing takes no time at all: who asks for the time again and again sees it pass

    def pause(self, seconds: float) -> None:
        """Whoever runs waits for so long; the others go on.

        Raises:
            Killed: its process was killed meanwhile.
        """
        self.wait_for(lambda: False, seconds)

    def wait_for(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Whoever runs waits until something is so, at most for so many seconds; the others go on.

        Returns:
            Whether it is so.

        Raises:
            Killed: its process was killed meanwhile.
        """
        owner = self.running if self._moving else None
        until = None if seconds is None else self.now + round(seconds * SECOND)
        if self._moving and not condition():
            found = self._moving[-1].wait_for(condition, until)
            if found is not None:
                return found
        while not condition():
            if self.failures and owner is None:
                raise AssertionError(self.failures[0])
            if owner is not None and owner.is_dead:
                raise Killed
            if not self.step(until):
                if until is None:
                    raise AssertionError("nobody moves, and somebody waits")
                self.now = max(self.now, until)
                break
        if owner is not None and owner.is_dead:
            raise Killed
        return condition()
