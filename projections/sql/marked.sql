-- name: schema
CREATE TABLE marked_messages (
    event_id INTEGER PRIMARY KEY,
    from_agent TEXT NOT NULL
) STRICT;

-- name: indexes
SELECT 1;

-- name: mark
INSERT INTO marked_messages (event_id, from_agent) VALUES (?, ?)

-- name: unmark
DELETE FROM marked_messages WHERE event_id = ?

-- name: list
SELECT event_id, from_agent FROM marked_messages WHERE event_id <= :at ORDER BY event_id DESC LIMIT :limit
