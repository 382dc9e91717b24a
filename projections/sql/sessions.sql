-- name: schema
CREATE TABLE sessions (
    agent_id TEXT NOT NULL,
    from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL,
    fork INTEGER,
    session_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    active INTEGER NOT NULL CONSTRAINT active_is_a_flag CHECK (active IN (0, 1)),
    PRIMARY KEY (agent_id, from_event),
    CONSTRAINT a_version_lasts CHECK (until_event > from_event),
    CONSTRAINT the_past_is_filed CHECK ((fork IS NULL) = (until_event = 9223372036854775807))
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX sessions_live ON sessions (agent_id) WHERE until_event = 9223372036854775807 AND active = 1;
CREATE INDEX sessions_by_id ON sessions (session_id) WHERE until_event = 9223372036854775807;
CREATE INDEX sessions_past_below ON sessions (fork, until_event) WHERE fork IS NOT NULL;
CREATE INDEX sessions_past_above ON sessions (fork, from_event) WHERE fork IS NOT NULL;

-- name: insert
INSERT INTO sessions (from_event, until_event, fork, agent_id, session_id, display_name, capabilities, metadata, created_at, active)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: close
UPDATE sessions SET until_event = ?, fork = ? WHERE agent_id = ? AND from_event = ?

-- name: find_current
-- The present version is the last.
SELECT from_event, agent_id, session_id, display_name, capabilities, metadata, created_at, active FROM sessions WHERE agent_id = ? ORDER BY from_event DESC LIMIT 1

-- name: find
-- The version that holds at event :at is the last that began by then.
SELECT agent_id, session_id, display_name, capabilities, metadata, created_at, active FROM sessions WHERE agent_id = :agent_id AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: find_live_by_id
SELECT agent_id, session_id, display_name, capabilities, metadata, created_at, active FROM sessions WHERE session_id = :session_id AND until_event = 9223372036854775807 AND active = 1

-- name: list_live
SELECT agent_id, session_id, display_name, capabilities, metadata, created_at, active FROM sessions
WHERE until_event = 9223372036854775807 AND from_event <= :at AND active = 1
UNION ALL
SELECT agent_id, session_id, display_name, capabilities, metadata, created_at, active FROM json_each(:below) AS node CROSS JOIN sessions
WHERE fork = node.value AND until_event > :at AND active = 1
UNION ALL
SELECT agent_id, session_id, display_name, capabilities, metadata, created_at, active FROM json_each(:above) AS node CROSS JOIN sessions
WHERE fork = node.value AND from_event <= :at AND active = 1
ORDER BY agent_id
