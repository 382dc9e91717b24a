-- name: schema
CREATE TABLE inbox (
    agent_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    PRIMARY KEY (agent_id, event_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
SELECT 1;

-- name: deliver
INSERT INTO inbox (agent_id, event_id, channel) VALUES (?, ?, ?)

-- name: page
SELECT event_id FROM inbox
WHERE agent_id = :agent_id AND event_id > :since_id AND event_id <= :at ORDER BY event_id LIMIT :limit

-- name: tail
SELECT event_id FROM inbox
WHERE agent_id = :agent_id AND event_id <= :at ORDER BY event_id DESC LIMIT :limit

-- name: find_latest
SELECT event_id FROM inbox WHERE agent_id = :agent_id AND event_id <= :at ORDER BY event_id DESC LIMIT 1
