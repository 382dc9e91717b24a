"""What needs a person: what the log says of it, and what the hub knows of itself."""

import shutil
from typing import Annotated, Final

from msgspec import Meta

from api.http.as_of import Dated
from api.http.parameters import MaxBytes, clamp_bytes
from api.http.routes import ReadCaller, ReadResult, ReadRoute, Route
from arclog.limits import ANSWER_BYTES, MICROSECONDS
from projections.budget import Budget
from projections.encoding import encode_json, json_array
from projections.history.attention import Item, list_attention
from projections.hub.hub import Hub

LOW_DISK_BYTES: Final = 500_000_000
"""With less left on the storage's disk, a busy day may fill it."""


class AttentionQuery(Dated, frozen=True, kw_only=True):
    """Whose attention is asked for, and when."""

    operator: Annotated[str, Meta(max_length=256, description="the agent name that questions to a person go to")] = (
        "human"
    )
    max_bytes: MaxBytes = ANSWER_BYTES


async def read_attention(hub: Hub, query: AttentionQuery, reader: ReadCaller) -> ReadResult:
    """Things that no agent will mend by itself, what is damaged first."""
    borne = round(hub.presence_ttl_sec * MICROSECONDS)
    found = await hub.read_on_thread(list_attention, reader.at, query.operator, borne)
    budget = Budget(clamp_bytes(query.max_bytes))
    rows = budget.fill([*_of_hub(hub), *found] if reader.at.is_live else found, encode_json)
    return ReadResult(json_array(rows), budget.spent)


_ADVICE: Final = {"projection": "run: arc log repair", "keys": "run: arc log repair"}
"""What to do about damage, by its place; of the log itself, verification tells more."""


def _of_hub(hub: Hub) -> list[Item]:
    """What the hub knows of its log and its disk."""
    found = [
        Item("damage", "", finding.event_id or 0, None, finding.text, _ADVICE.get(finding.place, "run: arc log verify"))
        for finding in hub.integrity.findings
    ]
    if hub.trouble is not None:
        found.append(Item("hub", "", 0, None, str(hub.trouble), "mend it; every change is refused until then"))
    free = shutil.disk_usage(hub.settings.storage.absolute().parent).free
    if free < LOW_DISK_BYTES:
        text = f"{free // 1_000_000} MB are left on the disk of the storage"
        found.append(Item("disk", "", 0, None, text, "make room; a hub whose disk is full refuses every change"))
    return found


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="List what needs a person, each with what to do.",
        path="/v1/attention",
        query=AttentionQuery,
        answer=read_attention,
        result=list[Item],
        beside=("more",),
    ),
)
