"""What an agent can do that asked for a claim or a lock and did not get it, in words."""

from arclog.events import JsonObject


def advise(envelope: JsonObject, beginning: str) -> str:
    """The advice of a refusal.

    Args:
        envelope: the hub's answer.
        beginning: what is not to be done, such as `Do not edit it`.
    """
    row = envelope["result"]
    holder, name = row.get("agent_id") or row["owner_agent_id"], row.get("file_path") or row["claim_key"]
    does = "comes before you for" if row.get("waiting") else "holds"
    both = f" (both cover {row['witness']})" if row.get("witness") else ""
    left = " and has left" if envelope.get("holder_left_at") else ""
    turn = f" You are number {envelope['position']} in the queue;" if "position" in envelope else ""
    again = "ask again within 20 s to keep your place" if turn else "ask again with wait_sec to wait for your turn"
    rather = "" if left else f" message {holder},"
    return (
        f"{beginning}: {holder} {does} {name} until {row['expires_at']}{both}{left}.{turn} {again},{rather} "
        "or do something else first."
    )
