-- name: schema
-- In which version each projection was built, and to which event. From there all move together, with the log: the row
-- without a name says how far they have come.
CREATE TABLE IF NOT EXISTS checkpoints (
    projection TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: exists
-- A storage that no hub has served yet has none.
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'checkpoints'

-- name: list
SELECT projection, version, coalesce((SELECT event_id FROM checkpoints WHERE projection = ''), event_id)
FROM checkpoints WHERE projection <> ''

-- name: set
INSERT INTO checkpoints (projection, version, event_id) VALUES (?, ?, ?)
ON CONFLICT (projection) DO UPDATE SET version = excluded.version, event_id = excluded.event_id

-- name: advance
-- In the transaction of the append. One row, for this is written with every batch.
INSERT INTO checkpoints (projection, version, event_id) VALUES ('', 0, ?)
ON CONFLICT (projection) DO UPDATE SET event_id = excluded.event_id
