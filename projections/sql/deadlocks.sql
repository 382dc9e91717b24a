-- name: schema
-- Who was not let wait, since the holder waited for the asker: a row for each circle. `place_id` is the last place in
-- it, at which somebody waits for the asker.
CREATE TABLE deadlocks (
    event_id INTEGER PRIMARY KEY,
    asker_agent_id TEXT NOT NULL,
    place_id INTEGER NOT NULL,
    circle TEXT NOT NULL
) STRICT;

-- name: indexes
CREATE INDEX deadlocks_at ON deadlocks (place_id);

-- name: refuse
INSERT INTO deadlocks (event_id, asker_agent_id, place_id, circle) VALUES (?, ?, ?, ?)

-- name: find_same
SELECT event_id FROM deadlocks INDEXED BY deadlocks_at WHERE place_id = ? AND asker_agent_id = ? AND circle = ?

-- name: list_at
-- Those that end at one of some places, given as a JSON array.
SELECT event_id, circle FROM deadlocks INDEXED BY deadlocks_at
WHERE place_id IN (SELECT value FROM json_each(:places)) AND event_id <= :at ORDER BY event_id
