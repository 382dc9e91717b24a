-- name: schema
-- How far each projection has come, and in which version it was built.
CREATE TABLE IF NOT EXISTS checkpoints (
    projection TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: exists
-- A storage that no hub has served yet has none.
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'checkpoints'

-- name: list
SELECT projection, version, event_id FROM checkpoints

-- name: set
INSERT INTO checkpoints (projection, version, event_id) VALUES (?, ?, ?)
ON CONFLICT (projection) DO UPDATE SET version = excluded.version, event_id = excluded.event_id

-- name: advance
-- All projections move with the log, in the transaction of the append.
UPDATE checkpoints SET event_id = ?
