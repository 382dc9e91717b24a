"""What the first stored bytes mean of event types that say more by now."""

from arclog.events import (
    ClaimAcquired,
    ClaimRefused,
    ClaimReleased,
    Event,
    HubStarted,
    LockAcquired,
    LockRefreshed,
    LockRefused,
    LockReleased,
    MessagePosted,
    SessionExpired,
    SessionOpened,
    TaskCompleted,
)
from arclog.events.messages import (
    CodeAttachment,
    DiffRefAttachment,
    FileRefAttachment,
    JsonAttachment,
    TextAttachment,
)
from tests.support.stored_meanings import JSON, NOTICE

FORMER: dict[str, Event] = {
    "session.opened": SessionOpened(
        agent_id="a",
        session_id="s-2",
        display_name="Ada",
        capabilities=("code", "test"),
        metadata=JSON,
        replaced_session_id="s-1",
        occurred_at=1_700_000_000_000_000,
    ),
    "hub.started": HubStarted(hub_id="h", version="1.0.0", url="http://127.0.0.1:6969"),
    "message.posted": MessagePosted(
        from_agent="a",
        channel="room",
        to_agent="b",
        kind="task_result",
        body="ä\x00😀",
        attachments=(
            TextAttachment("text"),
            JsonAttachment(JSON),
            CodeAttachment("x = 1", language="python"),
            FileRefAttachment("src/a.py", "here", "v1", "v2", 1, 2),
            DiffRefAttachment("src/a.py", "there", "v1", "v2", 3, 4),
        ),
        reply_to=7,
        thread_id="t",
        metadata=JSON,
        parent_task_id=5,
        completes_task_id=7,
        completes_in_thread_id="u",
    ),
    "claim.acquired": ClaimAcquired(
        claim_key="k",
        owner_agent_id="a",
        expires_at=1_800_000_300_000_000,
        thread_id="t",
        task_message_id=7,
        metadata=JSON,
        occurred_at=1_700_000_000_000_000,
    ),
    "claim.released": ClaimReleased(
        claim_key="k",
        owner_agent_id="a",
        fencing_token=8,
        reason="owner_gone",
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
    ),
    "claim.refused": ClaimRefused(claim_key="k", asker_agent_id="b", owner_agent_id="a", fencing_token=8),
    "lock.acquired": LockAcquired(
        file_path="src/a.py",
        agent_id="a",
        expires_at=1_800_000_300_000_000,
        metadata=JSON,
        occurred_at=1_700_000_000_000_000,
    ),
    "lock.refreshed": LockRefreshed(
        file_path="src/a.py", agent_id="a", expires_at=1_800_000_300_000_000, fencing_token=8
    ),
    "lock.released": LockReleased(
        file_path="src/a.py",
        agent_id="a",
        fencing_token=8,
        reason="owner_gone",
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
    ),
    "lock.refused": LockRefused(file_path="src/a.py", asker_agent_id="b", agent_id="a", fencing_token=8),
    "task.completed": TaskCompleted(
        task_id=7,
        thread_id="t",
        completed_by="a",
        rolled_up_task_id=5,
        notice=NOTICE,
        occurred_at=1_700_000_000_000_000,
    ),
    "session.expired": SessionExpired(agent_id="a", session_id="s-2", last_seen_at=1_800_000_000_000_000),
}
