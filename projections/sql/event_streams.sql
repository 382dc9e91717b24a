-- name: schema
-- In which streams an event is found beside its own.
CREATE TABLE event_streams (
    stream TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (stream, event_id)
) STRICT, WITHOUT ROWID;

-- name: exists
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'event_streams'

-- name: add
INSERT INTO event_streams (stream, event_id) VALUES (?, ?) ON CONFLICT DO NOTHING

-- name: list
SELECT event_id FROM event_streams WHERE stream = :stream AND event_id > :after AND event_id <= :until ORDER BY event_id

-- name: list_from_end
SELECT event_id FROM event_streams WHERE stream = :stream AND event_id > :after AND event_id <= :until
ORDER BY event_id DESC

-- name: list_below
SELECT DISTINCT event_id FROM event_streams
WHERE stream >= :stream AND stream < :end AND event_id > :after AND event_id <= :until ORDER BY event_id

-- name: list_below_from_end
SELECT DISTINCT event_id FROM event_streams
WHERE stream >= :stream AND stream < :end AND event_id > :after AND event_id <= :until ORDER BY event_id DESC

-- name: find_last
SELECT max(event_id) FROM event_streams WHERE stream = :stream AND event_id > :after

-- name: find_last_below
SELECT max(event_id) FROM event_streams WHERE stream >= :stream AND stream < :end AND event_id > :after
