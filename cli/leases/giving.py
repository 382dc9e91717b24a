"""`arc unlock`, `arc release` and `arc refresh`: give back what one holds, or keep it longer."""

from __future__ import annotations

from cli.errors import WrongArguments
from cli.leases.asking import TTL_SEC, LeaseOptions, add_lease_options, name_of, path_meant, with_client
from cli.options import seconds
from cli.output import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from arc import ArcClient
    from cli.arguments import Arguments


class GivingOptions(LeaseOptions):
    """What is given back or kept: names, or the fencing token that they were granted under."""

    names: list[str]
    token: int | None
    ttl: float


class Act:
    """One of the three commands.

    Args:
        noun: what the names are of, `lock` or `claim`; where it is empty, each name says so (`claim:KEY`, else a lock).
        route: the last part of the hub's route.
        told: what is printed of a lease.
    """

    Options: Final = GivingOptions

    def __init__(self, noun: str, route: str, told: str) -> None:
        self._noun: Final = noun
        self._route: Final = route
        self._told: Final = told

    def add_arguments(self, parser: Arguments) -> None:
        """Declare `GivingOptions`."""
        what = {"lock": "a path, as it was locked", "claim": "the name of the work"}
        help_text = what.get(self._noun, "lock:PATH or claim:KEY; a name alone is a path")
        parser.add_argument("names", nargs="*", metavar="NAME", help=help_text)
        token = "to be checked" if self._noun == "claim" else "without names, all locks that it stands for"
        parser.add_argument("--token", type=int, metavar="N", help=f"the fencing token; {token}")
        if self._route == "refresh":
            parser.add_argument("--ttl", type=seconds, default=TTL_SEC, metavar="SEC", help="how long from now (300)")
        add_lease_options(parser)

    def run(self, options: GivingOptions) -> int:
        """Do it, a call for each name; 1 where one is not the agent's.

        Raises:
            WrongArguments: neither a name nor a token says what is meant.
        """
        if not options.names and (options.token is None or self._noun == "claim"):
            raise WrongArguments("name what is meant" + ("" if self._noun == "claim" else ", or its --token"))
        names = options.names or [""]

        def act(client: ArcClient) -> int:
            for name in names:
                row = self._call(client, options, name)
                print(to_json(row) if options.json else self._told.format(name=name_of(row), row=row))
            return 0

        return with_client(options, names, act)

    def _call(self, client: ArcClient, options: GivingOptions, name: str) -> dict[str, Any]:
        kind, _, rest = name.partition(":")
        noun, key = (kind, rest) if not self._noun and kind in {"lock", "claim"} else (self._noun or "lock", name)
        body: dict[str, Any] = {} if options.token is None else {"fencing_token": options.token}
        if self._route == "refresh":
            body["ttl_sec"] = options.ttl
        if noun == "claim":
            owner = "owner_agent_id" if self._route == "refresh" else "agent_id"
            claim: dict[str, Any] = client.change(
                f"claims/{self._route}", {owner: options.agent, "claim_key": key, **body}
            )
            return claim
        if key:
            body["file_path"] = path_meant(key)
        lock: dict[str, Any] = client.change(f"locks/{self._route}", {"agent_id": options.agent, **body})
        return lock


UNLOCK: Final = Act("lock", "release", "{name}: given back")
RELEASE: Final = Act("claim", "release", "{name}: given back")
REFRESH: Final = Act("", "refresh", "{name}: yours until {row[expires_at]}")
