-- name: schema
CREATE TABLE inbox (
    agent_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    PRIMARY KEY (agent_id, event_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
-- What was said to an agent in one channel is found without all that was said to it elsewhere.
CREATE INDEX inbox_by_channel ON inbox (agent_id, channel);

-- name: deliver
INSERT INTO inbox (agent_id, event_id, channel, from_agent) VALUES (?, ?, ?, ?)

-- name: page
SELECT event_id FROM inbox
WHERE agent_id = :agent_id AND event_id > :since_id AND event_id <= :at ORDER BY event_id LIMIT :limit

-- name: tail
SELECT event_id FROM inbox
WHERE agent_id = :agent_id AND event_id <= :at ORDER BY event_id DESC LIMIT :limit

-- name: find_latest
SELECT event_id FROM inbox WHERE agent_id = :agent_id AND event_id <= :at ORDER BY event_id DESC LIMIT 1
