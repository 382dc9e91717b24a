-- part: columns
name, created_at, created_by, metadata

-- name: schema
CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    event_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT,
    metadata TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- name: indexes
SELECT 1;

-- name: create
INSERT INTO channels (name, event_id, created_at, created_by, metadata) VALUES (?, ?, ?, ?, ?)

-- name: find
SELECT {columns} FROM channels WHERE name = :name AND event_id <= :at

-- name: find_event
SELECT event_id FROM channels WHERE name = ?

-- name: list
SELECT {columns} FROM channels WHERE event_id <= :at ORDER BY name
