"""`arc with`: run a command while claims and locks are held.

    ask, and wait for each in turn  ->  run the command  ->  give all back, whatever happened
                                            |
                 refresh at every third of the lease; no longer ours: say so, end the command, exit 75

The exit code is the command's own, 128 and the signal's number where a signal ended it. Whatever kills this process,
the hub or the command: the leases end by themselves, at the latest after `--ttl` seconds.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time

from arc.errors import ArcError
from cli.arguments import Arguments
from cli.errors import WrongArguments, in_words
from cli.leases.asking import NOT_OURS, LeaseOptions, add_lease_options, in_the_way, path_meant, with_client
from cli.options import seconds
from cli.output import print_error, print_note, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Final

    from arc import ArcClient

TTL_SEC: Final = 60.0
LONGEST_WAIT_SEC: Final = 86_400.0
GRACE_SEC: Final = 5.0
"""How long the command may take to end after SIGTERM."""
SIGNALLED: Final = 128
FORWARDED: Final = ("SIGTERM", "SIGHUP")
"""What is passed on; the terminal sends SIGINT to the command itself."""


class Options(LeaseOptions):
    """What to hold, and what to run meanwhile."""

    line: list[str]
    shared: bool
    wait: float
    ttl: float
    keep_going: bool


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.usage = "arc with [options] NAME... -- COMMAND..."
    parser.add_argument(
        "line", nargs="...", metavar="NAME... -- COMMAND", help="lock:PATH or claim:KEY, and what to run meanwhile"
    )
    parser.add_argument("--shared", action="store_true", help="share the locks with others that share them")
    parser.add_argument(
        "--wait", type=seconds, default=LONGEST_WAIT_SEC, metavar="SEC", help="how long to wait for them (a day)"
    )
    parser.add_argument("--ttl", type=seconds, default=TTL_SEC, metavar="SEC", help="how long each lease lasts (60)")
    parser.add_argument("--keep-going", action="store_true", help="if they are lost, say so and let the command go on")
    add_lease_options(parser)


def run(options: Options) -> int:
    """Hold, run, give back."""
    names, command = _split(options.line)
    return with_client(options, names, lambda client: _hold_and_run(client, options, names, command))


class Held:
    """One lease that is held.

    Attributes:
        noun: `locks` or `claims`.
        body: by what it is refreshed and released.
        lost_at: when it is not known to be ours any more, by the monotonic clock.
    """

    __slots__ = ("body", "lost_at", "noun")

    def __init__(self, noun: str, body: dict[str, Any], lost_at: float) -> None:
        self.noun = noun
        self.body = body
        self.lost_at = lost_at


def _split(line: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in line or line[-1] == "--":
        raise WrongArguments("say what to run after --, as in: arc with --agent me lock:src/** -- make test")
    place = line.index("--")
    names, command = line[:place], line[place + 1 :]
    for name in names:
        kind, _, rest = name.partition(":")
        if name.startswith("-"):
            raise WrongArguments(f"{name} must stand before what to hold: arc with {name} … lock:src/** -- make test")
        if kind not in {"lock", "claim"} or not rest:
            raise WrongArguments(f"{name} is not a lease: write lock:PATH or claim:KEY")
    if not names:
        raise WrongArguments("say what to hold before --, such as lock:src/**")
    return names, command


def _hold_and_run(client: ArcClient, options: Options, names: list[str], command: list[str]) -> int:
    held: list[Held] = []
    try:
        for noun, asked in _requests(options, names):
            began_at = time.monotonic()
            required, fields = asked
            envelope = client.ask(noun, required, fields, options.wait)
            if not envelope["acquired"]:
                print_note(to_json(envelope) if options.json else in_the_way(envelope, noun[:-1]))
                return NOT_OURS
            held.append(_held(options, noun, envelope["result"], began_at))
        return _run(client, options, held, command)
    finally:
        for one in held:
            _give_back(client, one)


def _requests(options: Options, names: list[str]) -> list[tuple[str, tuple[dict[str, Any], dict[str, Any]]]]:
    """What to ask for, always in the same order, so that two of these never wait for each other."""
    claims = sorted(name.partition(":")[2] for name in names if name.startswith("claim:"))
    paths = sorted(path_meant(name.partition(":")[2]) for name in names if name.startswith("lock:"))
    found: list[tuple[str, tuple[dict[str, Any], dict[str, Any]]]] = [
        ("claims", ({"owner_agent_id": options.agent, "claim_key": key, "ttl_sec": options.ttl}, {})) for key in claims
    ]
    if paths:
        mode: dict[str, Any] = {"mode": "shared"} if options.shared else {}
        found.append(("locks", ({"agent_id": options.agent, "paths": paths, "ttl_sec": options.ttl}, mode)))
    return found


def _held(options: Options, noun: str, row: dict[str, Any], began_at: float) -> Held:
    body: dict[str, Any] = {"fencing_token": row["fencing_token"]}
    if noun == "claims":
        body |= {"claim_key": row["claim_key"]}
    return Held(noun, body, max(began_at, time.monotonic() - GRACE_SEC) + options.ttl)


def _run(client: ArcClient, options: Options, held: list[Held], command: list[str]) -> int:
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        print_error(f"{command[0]} cannot be run: {error.strerror}")
        return 127 if isinstance(error, FileNotFoundError) else 126
    with _Forwarding(child):
        lost = False
        while True:
            try:
                code = child.wait(None if lost else options.ttl / 3)
            except subprocess.TimeoutExpired:
                reason = _refresh_all(client, options, held)
                if reason is None:
                    continue
                lost = True
                print_note(f"arc with: no longer yours: {reason}")
                if not options.keep_going:
                    _end(child)
                    return NOT_OURS
            else:
                return code if code >= 0 else SIGNALLED - code


def _refresh_all(client: ArcClient, options: Options, held: list[Held]) -> str | None:
    """Prolong all that is held.

    Returns:
        Why something is not ours any more; None while all of it is, as far as can be known.
    """
    for one in held:
        owner = "agent_id" if one.noun == "locks" else "owner_agent_id"
        asked_at = time.monotonic()
        try:
            client.change(f"{one.noun}/refresh", {owner: options.agent, "ttl_sec": options.ttl, **one.body})
        except ArcError as error:
            if error.status in {400, 404, 409}:
                return in_words(error)
            if asked_at > one.lost_at:
                return f"the hub has not answered for {options.ttl:g} s ({in_words(error)})"
        else:
            one.lost_at = asked_at + options.ttl
    return None


def _give_back(client: ArcClient, one: Held) -> None:
    with contextlib.suppress(ArcError):  # it is over, or the hub is: then it ends by itself
        client.change(f"{one.noun}/release", {"agent_id": client.agent_id, **one.body})


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(GRACE_SEC)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class _Forwarding:
    """While this lasts, what would end this process is passed on to the command, whose end then ends both."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for name in FORWARDED:
            if hasattr(signal, name):
                number = getattr(signal, name)
                self._before[number] = signal.signal(number, self._pass_on)
        self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._leave_alone)

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._child.send_signal(number)

    def _leave_alone(self, number: int, _frame: FrameType | None) -> None:
        """The terminal has sent it to the command too."""
