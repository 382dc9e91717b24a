-- name: schema
-- The metadata comes last: it may be long, and what stands before it is read without it.
CREATE TABLE sessions (
    agent_id TEXT NOT NULL,
    {version_columns},
    session_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    active INTEGER NOT NULL CONSTRAINT active_is_a_flag CHECK (active IN (0, 1)),
    left_at INTEGER,
    process TEXT,
    root TEXT,
    parent TEXT,
    capabilities TEXT NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (agent_id, from_event),
    {version_rules}
) STRICT;

-- name: indexes
CREATE INDEX sessions_live ON sessions (agent_id) WHERE {is_current} AND active = 1;
CREATE INDEX sessions_left ON sessions (from_event) WHERE {is_current} AND left_at IS NOT NULL;
CREATE INDEX sessions_of_process ON sessions (agent_id) WHERE {is_current} AND active = 1 AND process IS NOT NULL;
CREATE INDEX sessions_with_root ON sessions (agent_id, root) WHERE {is_current} AND active = 1 AND root IS NOT NULL;
CREATE INDEX sessions_by_id ON sessions (session_id) WHERE {is_current};
CREATE INDEX sessions_below ON sessions (parent) WHERE {is_current} AND parent IS NOT NULL;
{past_indexes};

-- name: find_live_by_id
SELECT {columns} FROM sessions WHERE session_id = :session_id AND {is_current} AND active = 1

-- name: find_expired
SELECT agent_id FROM sessions JOIN events ON event_id = from_event
WHERE session_id = :session_id AND {is_current} AND active = 0 AND type = :expired

-- name: list_live
SELECT {columns} FROM {at} WHERE active = 1 ORDER BY agent_id

-- name: list_live_now
-- As the rules see them: without metadata, some at a time.
SELECT agent_id, session_id, created_at FROM sessions INDEXED BY sessions_live
WHERE agent_id > :after AND {is_current} AND active = 1 ORDER BY agent_id LIMIT :limit

-- name: list_roots
SELECT agent_id, root FROM sessions INDEXED BY sessions_with_root
WHERE {is_current} AND active = 1 AND root IS NOT NULL

-- name: find_first
SELECT min(created_at) FROM sessions WHERE agent_id = :agent_id AND from_event <= :at

-- name: list_sub_agents
-- A parent is an agent's for good, so whoever named one up to event :at has it then.
SELECT DISTINCT agent_id, parent FROM sessions WHERE parent IS NOT NULL AND from_event <= :at ORDER BY agent_id

-- name: list_live_below
SELECT {columns} FROM sessions WHERE parent = :parent AND {is_current} AND active = 1 ORDER BY agent_id

-- name: list_processes
SELECT agent_id, process FROM sessions INDEXED BY sessions_of_process
WHERE {is_current} AND active = 1 AND process IS NOT NULL ORDER BY agent_id

-- name: find_left_at
SELECT left_at FROM (
    SELECT from_event, left_at FROM sessions WHERE agent_id = :agent_id AND from_event <= :at
    ORDER BY from_event DESC LIMIT 1)
WHERE left_at IS NOT NULL AND from_event > :token

-- name: find_ended
SELECT agent_id, session_id, from_event, left_at FROM sessions
WHERE agent_id = ? AND {is_current} AND left_at IS NOT NULL

-- name: list_ended
SELECT agent_id, session_id, from_event, left_at FROM sessions INDEXED BY sessions_left
WHERE from_event > ? AND {is_current} AND left_at IS NOT NULL ORDER BY from_event

-- name: list_capable
-- The metadata of those that cannot is not read.
SELECT {columns} FROM {at} WHERE active = 1 AND :capability IN (SELECT value FROM json_each(capabilities))
ORDER BY agent_id
