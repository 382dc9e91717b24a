-- name: schema
-- In which version each projection was made, and to which event; -1 where its rows are written with each event, so that
-- it is always as far as the log. The row named 'log' says how far the log had come when that was last noted.
CREATE TABLE IF NOT EXISTS checkpoints (
    projection TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: exists
-- A storage that no hub has served yet has none.
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'checkpoints'

-- name: list
SELECT projection, version, event_id FROM checkpoints WHERE projection NOT IN ('', 'log')

-- name: find_noted
-- Former versions said in a row without a name how far all tables had come.
SELECT max(event_id) FROM checkpoints

-- name: set
INSERT INTO checkpoints (projection, version, event_id) VALUES (?, ?, ?)
ON CONFLICT (projection) DO UPDATE SET version = excluded.version, event_id = excluded.event_id

-- name: note
INSERT INTO checkpoints (projection, version, event_id) VALUES ('log', 0, ?)
ON CONFLICT (projection) DO UPDATE SET event_id = excluded.event_id

-- name: advance
UPDATE checkpoints SET event_id = ? WHERE event_id = ? AND projection NOT IN ('', 'log')

-- name: keep_in_step
UPDATE checkpoints SET event_id = -1 WHERE projection NOT IN ('', 'log')

-- name: forget_others
DELETE FROM checkpoints WHERE projection NOT IN ('', 'log') AND projection NOT IN (SELECT value FROM json_each(?))

-- name: stop_at
UPDATE checkpoints SET event_id = ? WHERE event_id = -1
