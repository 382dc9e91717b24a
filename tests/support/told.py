"""A short story, told to a storage: what `arc log` has to tell of it."""

from pathlib import Path

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.deciders.tasks import CompleteTask
from tests.support.fake_time import FakeTime
from tests.support.recorders import recording

STORY = (
    OpenSession(agent_id="ada", capabilities=["code"]),
    AcquireLock(agent_id="ada", file_path="src/a.py"),
    AcquireLock(agent_id="bob", file_path="src/a.py"),
    PostMessage(from_agent="ada", body="do\x1b[31m it", kind="task", thread_id="t"),
    PostMessage(from_agent="bob", to_agent="ada", body="for you"),
    AcquireClaim(owner_agent_id="bob", claim_key="k", thread_id="t"),
    ReleaseLock(agent_id="ada", file_path="src/a.py"),
    CompleteTask(task_id=6, agent_id="bob"),
)
LOCKED, REFUSED, TASK, LAST = 4, 5, 6, 10
"""The events of the lock, of who was refused it, of the task, and the last one."""


def tell(storage: Path) -> None:
    """Make a storage in which the story happened."""
    time = FakeTime()
    with recording(storage, time, presence_ttl=10**15) as recorder:
        for command in STORY:
            time.pass_sec(1)
            recorder.execute(command, "http")
