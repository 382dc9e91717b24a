-- name: schema
CREATE TABLE locks (
    file_path TEXT NOT NULL,
    from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL,
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
-- Who ever held which lock: one row for each pair of agent and file. Nothing changes here when an agent has its lock again,
-- while an index on the agents of versions would change with each of them.
CREATE TABLE lock_holders (
    agent_id TEXT NOT NULL,
    file_path TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (agent_id, file_path)
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
CREATE INDEX locks_active ON locks (expires_at) WHERE until_event = 9223372036854775807 AND released_at IS NULL;
CREATE INDEX locks_by_thread ON locks (thread_id, until_event) WHERE thread_id IS NOT NULL;
CREATE INDEX locks_past_below ON locks (fork, until_event) WHERE fork IS NOT NULL;
CREATE INDEX locks_past_above ON locks (fork, from_event) WHERE fork IS NOT NULL;

-- name: insert
INSERT INTO locks (from_event, until_event, fork, file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: close
UPDATE locks SET until_event = ?, fork = ? WHERE file_path = ? AND from_event = ?

-- name: find_current
-- The present version is the last.
SELECT from_event, file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks WHERE file_path = ? ORDER BY from_event DESC LIMIT 1

-- name: hold
INSERT INTO lock_holders (agent_id, file_path, event_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING

-- name: refuse
INSERT INTO lock_refusals (fencing_token, asker_agent_id, event_id) VALUES (?, ?, ?)

-- name: find
-- The version that holds at event :at is the last that began by then.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks WHERE file_path = :key AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: find_refusal
SELECT event_id FROM lock_refusals WHERE fencing_token = ? AND asker_agent_id = ?

-- name: list_held
-- Found among the active ones, which are few.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks INDEXED BY locks_active
WHERE agent_id = :agent_id AND until_event = 9223372036854775807 AND released_at IS NULL AND expires_at >= :now
ORDER BY fencing_token

-- name: list_in_thread
-- Of the present versions, the index on threads finds those of one; the past is searched as everywhere.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks INDEXED BY locks_by_thread
WHERE thread_id = :thread_id AND until_event = 9223372036854775807 AND from_event <= :at
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:below) AS node CROSS JOIN locks INDEXED BY locks_past_below
WHERE fork = node.value AND until_event > :at AND thread_id = :thread_id
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:above) AS node CROSS JOIN locks INDEXED BY locks_past_above
WHERE fork = node.value AND from_event <= :at AND thread_id = :thread_id
ORDER BY fencing_token

-- name: list_all
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks
WHERE until_event = 9223372036854775807 AND from_event <= :at
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:below) AS node CROSS JOIN locks
WHERE fork = node.value AND until_event > :at
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:above) AS node CROSS JOIN locks
WHERE fork = node.value AND from_event <= :at
ORDER BY fencing_token

-- name: list_active
-- In the present the partial index on what is not released skips all that is over.
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks
WHERE until_event = 9223372036854775807 AND from_event <= :at AND released_at IS NULL AND expires_at >= :now
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:below) AS node CROSS JOIN locks
WHERE fork = node.value AND until_event > :at AND released_at IS NULL AND expires_at >= :now
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:above) AS node CROSS JOIN locks
WHERE fork = node.value AND from_event <= :at AND released_at IS NULL AND expires_at >= :now
ORDER BY fencing_token

-- name: list_all_of_agent
-- Of each file that the agent ever locked, the version that holds at event :at, if it is the agent's.
SELECT l.file_path, l.agent_id, l.fencing_token, l.locked_at, l.expires_at, l.released_at, l.metadata, l.thread_id
FROM lock_holders AS h CROSS JOIN locks AS l ON l.file_path = h.file_path
AND l.from_event = (SELECT max(from_event) FROM locks WHERE file_path = h.file_path AND from_event <= :at)
WHERE h.agent_id = :agent_id AND l.agent_id = :agent_id
ORDER BY l.fencing_token

-- name: list_active_of_agent
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM locks INDEXED BY locks_active
WHERE until_event = 9223372036854775807 AND from_event <= :at AND released_at IS NULL AND expires_at >= :now AND agent_id = :agent_id
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:below) AS node CROSS JOIN locks INDEXED BY locks_past_below
WHERE fork = node.value AND until_event > :at AND released_at IS NULL AND expires_at >= :now AND agent_id = :agent_id
UNION ALL
SELECT file_path, agent_id, fencing_token, locked_at, expires_at, released_at, metadata, thread_id FROM json_each(:above) AS node CROSS JOIN locks INDEXED BY locks_past_above
WHERE fork = node.value AND from_event <= :at AND released_at IS NULL AND expires_at >= :now AND agent_id = :agent_id
ORDER BY fencing_token
