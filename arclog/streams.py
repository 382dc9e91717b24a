"""Streams: the entities that an event concerns. Most concern one; what concerns several is found from each of them."""

from arclog.events import (
    ClaimAcquired,
    Event,
    HubVouched,
    LockRefused,
    MessagePosted,
    SessionExpired,
    TaskCompleted,
    TasksOpened,
    TurnEnded,
)
from arclog.events.files import OnFiles
from arclog.events.locks import OnPaths
from arclog.events.messages import TASK_KINDS


def streams_beside(event_id: int, event: Event) -> tuple[str, ...]:
    """The streams of the entities that an event concerns, but for the one in which it is recorded.

    Args:
        event_id: the event.
        event: what happened.
    """
    match event:
        case MessagePosted():  # nearly all are of this kind, so it is asked for first
            if event.kind in TASK_KINDS or event.completes_task_id is not None:
                waiting = None if event.task is None else event.task.for_task_id
                return (_heard_in(event), *(() if waiting is None else (f"task/{waiting}",)))
            return ()
        case SessionExpired():
            claims = tuple(f"claim/{claim.claim_key}" for claim in event.claims)
            return claims + tuple(f"lock/{lock.file_path}" for lock in event.locks)
        case TurnEnded():
            return tuple(f"lock/{lock.file_path}" for lock in event.locks)
        case OnFiles():
            return tuple(f"file/{key}" for key in event.keys[1:])
        case OnPaths(others=(_, *_)):
            return tuple(f"lock/{key}" for key in event.keys[1:])
        case LockRefused(held=str()):
            return (f"lock/{event.key or event.file_path}",)
        case TaskCompleted(rolled_up_task_id=int(parent)):
            return (f"task/{parent}",)
        case ClaimAcquired(pick=str(), task_message_id=int(task_id)):
            return (f"task/{task_id}",)
        case TasksOpened():
            first = event_id - len(event.messages) + 1
            tasks = tuple(f"task/{task_id}" for task_id in range(first, event_id))
            return tasks + tuple(dict.fromkeys(_heard_in(message) for message in event.messages))
        case HubVouched():
            return tuple(f"session/{agent_id}" for agent_id in (*event.taken_up, *event.given_up))
        case _:
            return ()


def _heard_in(message: MessagePosted) -> str:
    return f"channel/{message.channel}" if message.to_agent is None else f"inbox/{message.to_agent}"
