-- name: schema
CREATE TABLE file_touches (
    key TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    wrote INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    digest TEXT,
    PRIMARY KEY (key, event_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
-- What an agent last knew of a file is found however often others have touched it.
CREATE INDEX file_touches_by_agent ON file_touches (key, agent_id, event_id);

-- name: touch
INSERT INTO file_touches (key, event_id, agent_id, wrote, recorded_at, digest) VALUES (?, ?, ?, ?, ?, ?)

-- name: are_touched
SELECT 1 FROM file_touches LIMIT 1

-- name: find_news
SELECT event_id, agent_id, recorded_at, digest FROM file_touches
WHERE key = :key AND event_id <= :at AND wrote AND agent_id != :agent_id AND recorded_at > :began_at
    AND event_id > coalesce(
        (SELECT max(event_id) FROM file_touches WHERE key = :key AND agent_id = :agent_id AND event_id <= :at), 0
    )
ORDER BY event_id DESC LIMIT 1

-- name: find_last_write
SELECT event_id, agent_id, recorded_at, digest FROM file_touches
WHERE key = :key AND event_id <= :at AND wrote ORDER BY event_id DESC LIMIT 1

-- name: list_touching
SELECT DISTINCT agent_id FROM file_touches WHERE key = :key AND event_id <= :at
