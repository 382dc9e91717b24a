-- name: schema
CREATE TABLE locks (
    file_path TEXT NOT NULL,
    from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL DEFAULT 9223372036854775807,
    fork INTEGER,
    agent_id TEXT NOT NULL,
    fencing_token INTEGER NOT NULL,
    locked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    released_at INTEGER,
    metadata TEXT NOT NULL,
    thread_id TEXT,
    PRIMARY KEY (file_path, from_event),
    CONSTRAINT a_version_lasts CHECK (until_event > from_event),
    CONSTRAINT the_past_is_filed CHECK ((fork IS NULL) = (until_event = 9223372036854775807))
) STRICT, WITHOUT ROWID;
-- Who was refused which grant: one row for each pair of grant and asker.
CREATE TABLE lock_refusals (
    fencing_token INTEGER NOT NULL,
    asker_agent_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (fencing_token, asker_agent_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX locks_current ON locks (from_event) WHERE until_event = 9223372036854775807;
CREATE INDEX locks_held ON locks (agent_id, expires_at) WHERE until_event = 9223372036854775807 AND released_at IS NULL;
CREATE INDEX locks_active ON locks (expires_at) WHERE until_event = 9223372036854775807 AND released_at IS NULL;
CREATE INDEX locks_by_thread ON locks (thread_id, from_event) WHERE thread_id IS NOT NULL;
CREATE INDEX locks_past_below ON locks (fork, until_event) WHERE fork IS NOT NULL;
CREATE INDEX locks_past_above ON locks (fork, from_event) WHERE fork IS NOT NULL;

-- name: grant
INSERT INTO locks (file_path, from_event, agent_id, fencing_token, locked_at, expires_at, metadata, thread_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: close
-- The present version ends where the next begins.
UPDATE locks SET until_event = :event_id, fork = fork(from_event, :event_id)
WHERE file_path = :key AND from_event = (
    SELECT from_event FROM locks WHERE file_path = :key ORDER BY from_event DESC LIMIT 1)

-- name: prolong
-- The next version of a grant: all as it was, but for the end of the lease.
INSERT INTO locks (file_path, from_event, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id)
SELECT file_path, :event_id, agent_id, fencing_token, locked_at, :expires_at, NULL, metadata, thread_id
FROM locks WHERE file_path = :key AND until_event = :event_id ORDER BY from_event DESC LIMIT 1

-- name: release
INSERT INTO locks (file_path, from_event, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id)
SELECT file_path, :event_id, agent_id, fencing_token, locked_at, expires_at, :released_at, metadata, thread_id
FROM locks WHERE file_path = :key AND until_event = :event_id ORDER BY from_event DESC LIMIT 1

-- name: refuse
INSERT INTO lock_refusals (fencing_token, asker_agent_id, event_id) VALUES (?, ?, ?)

-- name: find
-- The version that holds at event :at is the last that began by then.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks WHERE file_path = :key AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: find_refusal
SELECT event_id FROM lock_refusals WHERE fencing_token = ? AND asker_agent_id = ?

-- name: list_held
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks
WHERE agent_id = :agent_id AND until_event = 9223372036854775807 AND released_at IS NULL AND expires_at >= :now
ORDER BY fencing_token

-- name: list_in_thread
-- The versions of one thread's locks are few enough to look through.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks
WHERE thread_id = :thread_id AND from_event <= :at AND until_event > :at ORDER BY fencing_token

-- name: list_all
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks
WHERE until_event = 9223372036854775807 AND from_event <= :at AND (:agent_id IS NULL OR agent_id = :agent_id)
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:below) AS node CROSS JOIN locks
WHERE fork = node.value AND until_event > :at AND (:agent_id IS NULL OR agent_id = :agent_id)
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:above) AS node CROSS JOIN locks
WHERE fork = node.value AND from_event <= :at AND (:agent_id IS NULL OR agent_id = :agent_id)
ORDER BY fencing_token

-- name: list_active
-- In the present the partial index on what is not released skips all that is over.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks
WHERE until_event = 9223372036854775807 AND from_event <= :at AND released_at IS NULL AND expires_at >= :now AND (:agent_id IS NULL OR agent_id = :agent_id)
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:below) AS node CROSS JOIN locks
WHERE fork = node.value AND until_event > :at AND released_at IS NULL AND expires_at >= :now AND (:agent_id IS NULL OR agent_id = :agent_id)
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:above) AS node CROSS JOIN locks
WHERE fork = node.value AND from_event <= :at AND released_at IS NULL AND expires_at >= :now AND (:agent_id IS NULL OR agent_id = :agent_id)
ORDER BY fencing_token
