"""`arc log erase`: take the texts of events out of the log, and every copy of them that the hub can reach."""

from __future__ import annotations

from cli.arguments import Arguments, Namespace
from cli.options import add_base_url, count
from cli.output import print_error, print_json
from cli.tables import print_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


LONGEST_SEC = 600.0
"""A large storage takes a while to be looked through."""


class Options(Namespace):
    """What to erase, and why."""

    ids: list[int]
    reason: str
    agent: str | None
    json: bool
    base_url: str | None


def add_arguments(parser: Arguments) -> None:
    """Declare `Options`."""
    parser.add_argument("ids", nargs="+", type=count, metavar="ID", help="an event, or a message")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it stays in the log")
    parser.add_argument("--agent", metavar="ID", help="who has it done; it stays in the log")
    parser.add_argument("--json", action="store_true", help="the receipt as one JSON object")
    add_base_url(parser)


def run(options: Options) -> int:
    """Print a receipt; 0 when no copy was found that can be reached, else 1 and what to do about it.

    Raises:
        ArcError: the hub refused, or is not there.
    """
    from arc.http import HttpTransport

    asked: dict[str, object] = {"ids": options.ids, "reason": options.reason}
    if options.agent is not None:
        asked["agent_id"] = options.agent
    receipt = HttpTransport(options.base_url, timeout=LONGEST_SEC).call("POST", "/v1/log/erase", asked)["result"]
    if options.json:
        print_json(receipt)
    else:
        _tell(receipt)
    left = _what_is_left(receipt)
    if left:
        print_error(left)
    return 1 if left else 0


def _what_is_left(receipt: dict[str, Any]) -> str:
    """What is still to be done, if anything is."""
    if receipt["copies"] and receipt["elsewhere"]:
        others = " ".join(map(str, receipt["elsewhere"]))
        return f"copies are left, since other events say the same: erase them too, with arc log erase {others}"
    if receipt["copies"]:
        where = ", ".join(receipt["copies"])
        return f"copies are left in {where}: if that is a backup, delete it, or make a new one"
    if not receipt["wal_emptied"]:
        return "copies may be left in the write-ahead log, since somebody reads the storage: run this again later"
    if receipt["log_scrubbed"] is False:
        return f"the log's server keeps copies: {receipt['log_trouble']}; then run this again"
    return ""


def _tell(receipt: dict[str, Any]) -> None:
    names = ", ".join(map(str, receipt["erased"]))
    if receipt["event_id"] is None:
        print_line(f"the texts of {names} had been erased before")
    else:
        print_line(f"erased the texts of {names} (event {receipt['event_id']}, by {receipt['erased_by']})")
    if receipt["scanned"]:
        print_line(f"looked for them in {len(receipt['scanned'])} files: found in {len(receipt['copies'])}")
    else:
        print_line("nothing was looked for: the texts are gone already, or too short to be told from others")
    for path in receipt["copies"]:
        print_line(f"  a copy lies in {path}")
    if receipt["elsewhere"]:
        others = ", ".join(map(str, receipt["elsewhere"]))
        print_line(f"these events say the same, or a part of it, and were not erased: {others}")
    if not receipt["wal_emptied"]:
        print_line("the write-ahead log could not be emptied")
    if receipt["log_scrubbed"]:
        print_line("the log's server has written its table again, without them")
    for one in receipt["beyond_reach"]:
        print_line(f"not looked at: {one}")
