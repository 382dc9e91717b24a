-- name: schema
-- A version ends only when a task is opened or completed, or the first message or root task settles the channel;
-- what a mere message changes is read from the messages themselves.
CREATE TABLE threads (
    thread_id TEXT NOT NULL,
    from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL,
    fork INTEGER,
    channel TEXT,
    root_task_id INTEGER,
    total_task_count INTEGER NOT NULL,
    open_task_count INTEGER NOT NULL,
    PRIMARY KEY (thread_id, from_event),
    CONSTRAINT a_version_lasts CHECK (until_event > from_event),
    CONSTRAINT the_past_is_filed CHECK ((fork IS NULL) = (until_event = 9223372036854775807)),
    CONSTRAINT open_tasks_are_tasks CHECK (open_task_count BETWEEN 0 AND total_task_count)
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX threads_current ON threads (from_event) WHERE until_event = 9223372036854775807;
CREATE INDEX threads_past_below ON threads (fork, until_event) WHERE fork IS NOT NULL;
CREATE INDEX threads_past_above ON threads (fork, from_event) WHERE fork IS NOT NULL;

-- name: insert
INSERT INTO threads (from_event, until_event, fork, thread_id, channel, root_task_id, total_task_count, open_task_count)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: close
UPDATE threads SET until_event = ?, fork = ? WHERE thread_id = ? AND from_event = ?

-- name: find_current
-- The present version is the last.
SELECT from_event, thread_id, channel, root_task_id, total_task_count, open_task_count FROM threads WHERE thread_id = ? ORDER BY from_event DESC LIMIT 1

-- name: find
-- The version that holds at event :at is the last that began by then.
SELECT thread_id, channel, root_task_id, total_task_count, open_task_count FROM threads WHERE thread_id = :thread_id AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: summarise
-- One summary for each thread: its version, its last message and artifact, and the leases that are active in it.
WITH t AS (
    SELECT thread_id, channel, root_task_id, total_task_count, open_task_count FROM threads
    WHERE until_event = 9223372036854775807 AND from_event <= :at
    UNION ALL
    SELECT thread_id, channel, root_task_id, total_task_count, open_task_count FROM json_each(:below) AS node CROSS JOIN threads
    WHERE fork = node.value AND until_event > :at
    UNION ALL
    SELECT thread_id, channel, root_task_id, total_task_count, open_task_count FROM json_each(:above) AS node CROSS JOIN threads
    WHERE fork = node.value AND from_event <= :at
), claimed AS MATERIALIZED (
    SELECT thread_id AS thread_id FROM claims
    WHERE until_event = 9223372036854775807 AND released_at IS NULL AND expires_at >= :now AND from_event <= :at AND thread_id IS NOT NULL
    UNION ALL
    SELECT thread_id FROM json_each(:below) AS node CROSS JOIN claims
    WHERE fork = node.value AND until_event > :at AND released_at IS NULL AND expires_at >= :now AND thread_id IS NOT NULL
    UNION ALL
    SELECT thread_id FROM json_each(:above) AS node CROSS JOIN claims
    WHERE fork = node.value AND from_event <= :at AND released_at IS NULL AND expires_at >= :now AND thread_id IS NOT NULL
), locked AS MATERIALIZED (
    SELECT thread_id AS thread_id FROM locks
    WHERE until_event = 9223372036854775807 AND released_at IS NULL AND expires_at >= :now AND from_event <= :at AND thread_id IS NOT NULL
    UNION ALL
    SELECT thread_id FROM json_each(:below) AS node CROSS JOIN locks
    WHERE fork = node.value AND until_event > :at AND released_at IS NULL AND expires_at >= :now AND thread_id IS NOT NULL
    UNION ALL
    SELECT thread_id FROM json_each(:above) AS node CROSS JOIN locks
    WHERE fork = node.value AND from_event <= :at AND released_at IS NULL AND expires_at >= :now AND thread_id IS NOT NULL
), claim_counts AS MATERIALIZED (SELECT thread_id, count(*) AS active FROM claimed GROUP BY thread_id
), lock_counts AS MATERIALIZED (SELECT thread_id, count(*) AS active FROM locked GROUP BY thread_id
), s AS MATERIALIZED (
    SELECT t.thread_id, t.channel, t.root_task_id, t.total_task_count, t.open_task_count,
    (SELECT event_id FROM messages WHERE thread_id = t.thread_id AND event_id <= :at ORDER BY event_id DESC LIMIT 1)
        AS latest_message_id,
    (SELECT event_id FROM messages WHERE thread_id = t.thread_id AND kind = 'artifact' AND event_id <= :at
        ORDER BY event_id DESC LIMIT 1) AS latest_artifact_id
    FROM t
)
SELECT s.thread_id, s.channel, s.root_task_id, s.latest_message_id, m.recorded_at, s.latest_artifact_id,
    coalesce(m.thread_ordinal, 0), s.total_task_count, s.open_task_count,
    coalesce((SELECT active FROM claim_counts WHERE thread_id = s.thread_id), 0),
    coalesce((SELECT active FROM lock_counts WHERE thread_id = s.thread_id), 0)
FROM s LEFT JOIN messages AS m ON m.event_id = s.latest_message_id
ORDER BY s.latest_message_id IS NULL, s.latest_message_id DESC, s.thread_id

-- name: summarise_one
SELECT s.thread_id, s.channel, s.root_task_id, s.latest_message_id, m.recorded_at, s.latest_artifact_id,
    coalesce(m.thread_ordinal, 0), s.total_task_count, s.open_task_count,
    (SELECT count(*) FROM claims WHERE thread_id = s.thread_id AND from_event <= :at AND until_event > :at
        AND released_at IS NULL AND expires_at >= :now),
    (SELECT count(*) FROM locks WHERE thread_id = s.thread_id AND from_event <= :at AND until_event > :at
        AND released_at IS NULL AND expires_at >= :now)
FROM (
    SELECT t.thread_id, t.channel, t.root_task_id, t.total_task_count, t.open_task_count,
    (SELECT event_id FROM messages WHERE thread_id = t.thread_id AND event_id <= :at ORDER BY event_id DESC LIMIT 1)
        AS latest_message_id,
    (SELECT event_id FROM messages WHERE thread_id = t.thread_id AND kind = 'artifact' AND event_id <= :at
        ORDER BY event_id DESC LIMIT 1) AS latest_artifact_id
    FROM (SELECT coalesce(v.thread_id, :thread_id) AS thread_id, v.channel, v.root_task_id,
        coalesce(v.total_task_count, 0) AS total_task_count, coalesce(v.open_task_count, 0) AS open_task_count
        FROM (SELECT 1) LEFT JOIN (
            SELECT thread_id, channel, root_task_id, total_task_count, open_task_count FROM threads WHERE thread_id = :thread_id AND from_event <= :at
            ORDER BY from_event DESC LIMIT 1) AS v) AS t
) AS s LEFT JOIN messages AS m ON m.event_id = s.latest_message_id
