"""Streams: the entities that an event concerns. Most concern one; what concerns several is found from each of them."""

from arclog.events import Event, HubVouched, LockRefused, MessagePosted, SessionExpired, TaskCompleted
from arclog.events.locks import OnPaths
from arclog.events.messages import TASK_KINDS


def streams_beside(event: Event) -> tuple[str, ...]:
    """The streams of the entities that an event concerns, but for the one in which it is recorded."""
    match event:
        case MessagePosted():  # nearly all are of this kind, so it is asked for first
            if event.kind in TASK_KINDS or event.completes_task_id is not None:
                return (f"channel/{event.channel}" if event.to_agent is None else f"inbox/{event.to_agent}",)
            return ()
        case SessionExpired():
            claims = tuple(f"claim/{claim.claim_key}" for claim in event.claims)
            return claims + tuple(f"lock/{lock.file_path}" for lock in event.locks)
        case OnPaths(others=(_, *_)):
            return tuple(f"lock/{key}" for key in event.keys[1:])
        case LockRefused(held=str()):
            return (f"lock/{event.key or event.file_path}",)
        case TaskCompleted(rolled_up_task_id=int(parent)):
            return (f"task/{parent}",)
        case HubVouched():
            return tuple(f"session/{agent_id}" for agent_id in (*event.taken_up, *event.given_up))
        case _:
            return ()
