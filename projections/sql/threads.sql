-- part: latest
-- The last message and artifact of each thread in `found`.
SELECT f.*,
    (SELECT event_id FROM thread_messages WHERE thread_id = f.thread_id AND event_id <= :at
        ORDER BY event_id DESC LIMIT 1) AS latest_message_id,
    (SELECT event_id FROM thread_messages WHERE thread_id = f.thread_id AND is_artifact = 1 AND event_id <= :at
        ORDER BY event_id DESC LIMIT 1) AS latest_artifact_id
    FROM found AS f

-- part: summary
s.thread_id, s.channel, s.root_task_id, s.latest_message_id, m.recorded_at AS latest_message_at,
    s.latest_artifact_id, coalesce(m.ordinal, 0) AS message_count, s.total_task_count, s.open_task_count

-- part: is_active
released_at IS NULL AND expires_at >= :now

-- name: schema
-- A version ends only when a task is opened or completed, or the first message or root task settles the channel;
-- what a mere message changes is read from the messages themselves.
CREATE TABLE threads (
    thread_id TEXT NOT NULL,
    {version_columns},
    channel TEXT,
    root_task_id INTEGER,
    total_task_count INTEGER NOT NULL,
    open_task_count INTEGER NOT NULL,
    PRIMARY KEY (thread_id, from_event),
    {version_rules},
    CONSTRAINT open_tasks_are_tasks CHECK (open_task_count BETWEEN 0 AND total_task_count)
) STRICT;

-- name: indexes
{current_index};
{past_indexes};

-- name: summarise
-- One summary for each thread: its version, its last message and artifact, and the leases that are active in it.
WITH found AS (SELECT {columns} FROM {at}),
claimed AS MATERIALIZED (
    SELECT thread_id, count(*) AS active FROM {claims_at} WHERE {is_active} AND thread_id IS NOT NULL GROUP BY thread_id),
locked AS MATERIALIZED (
    SELECT thread_id, count(*) AS active FROM {locks_at} WHERE {is_active} AND thread_id IS NOT NULL GROUP BY thread_id),
s AS MATERIALIZED ({latest})
SELECT {summary},
    coalesce((SELECT active FROM claimed WHERE thread_id = s.thread_id), 0) AS active_claim_count,
    coalesce((SELECT active FROM locked WHERE thread_id = s.thread_id), 0) AS active_lock_count
FROM s LEFT JOIN thread_messages AS m ON m.thread_id = s.thread_id AND m.event_id = s.latest_message_id
ORDER BY s.latest_message_id IS NULL, s.latest_message_id DESC, s.thread_id

-- name: summarise_one
-- The same of one thread, all zeros when there is no such; of its leases only the versions in it are looked at.
WITH found AS (
    SELECT :key AS thread_id, v.channel, v.root_task_id,
        coalesce(v.total_task_count, 0) AS total_task_count, coalesce(v.open_task_count, 0) AS open_task_count
    FROM (SELECT 1) LEFT JOIN ({version_at}) AS v),
s AS MATERIALIZED ({latest})
SELECT {summary},
    (SELECT count(*) FROM claims WHERE thread_id = s.thread_id AND from_event <= :at AND until_event > :at
        AND {is_active}) AS active_claim_count,
    (SELECT count(*) FROM locks WHERE thread_id = s.thread_id AND from_event <= :at AND until_event > :at
        AND {is_active}) AS active_lock_count
FROM s LEFT JOIN thread_messages AS m ON m.thread_id = s.thread_id AND m.event_id = s.latest_message_id
