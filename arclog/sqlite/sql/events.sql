-- part: idempotency_keys
-- Which event an idempotency key led to, found by a hash of the key and of whose it is (`arclog.keys`); all else stands
-- in the event's metadata.
CREATE TABLE idempotency_keys (
    hash     BLOB PRIMARY KEY,
    event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- part: refuse_changes
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are immutable'); END;

-- name: schema
-- The log itself, and the two small tables that belong to the file rather than to its history.
CREATE TABLE events (
    event_id    INTEGER PRIMARY KEY CONSTRAINT event_ids_begin_at_one CHECK (event_id >= 1),
    recorded_at INTEGER NOT NULL,
    type        TEXT NOT NULL,
    stream      TEXT NOT NULL,
    actor       TEXT NOT NULL,
    data        BLOB NOT NULL,
    metadata    BLOB NOT NULL,
    digest      BLOB NOT NULL CONSTRAINT digest_is_sha256 CHECK (length(digest) = 32)
) STRICT;
-- The life of one entity is one range read; so is all that one agent did, whose end is when it was last seen.
CREATE INDEX events_by_stream ON events (stream);
CREATE INDEX events_by_actor ON events (actor);
-- Rare types are found without reading past a million messages; messages are dense enough to be scanned.
CREATE INDEX events_by_type ON events (type) WHERE type <> 'message.posted';
{refuse_changes}
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are immutable'); END;
{idempotency_keys}
CREATE TABLE storage (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- The offset of the log's clock, for each boot of the machine.
CREATE TABLE clock (
    boot_id TEXT PRIMARY KEY,
    offset  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: append
INSERT INTO events (event_id, recorded_at, type, stream, actor, data, metadata, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: find_head
SELECT event_id, recorded_at, digest FROM events ORDER BY event_id DESC LIMIT 1

-- name: find_head_and
-- The end of the log, after the event with this id.
SELECT event_id, recorded_at, digest FROM events WHERE event_id = ?
UNION ALL SELECT * FROM (SELECT event_id, recorded_at, digest FROM events ORDER BY event_id DESC LIMIT 1)

-- name: read
-- Here and below, a place in the log is looked up by a number that is asked for, so that the event before it, which may
-- be unreadable, is not looked at.
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE event_id >= :after + 1 AND event_id <= :until ORDER BY event_id LIMIT :limit

-- name: read_raw
-- Texts as the bytes on disk, which after damage may be no texts any more, nor numbers numbers.
SELECT event_id, ifnull(CAST(recorded_at AS INTEGER), 0), ifnull(CAST(type AS BLOB), x''),
    ifnull(CAST(stream AS BLOB), x''), ifnull(CAST(actor AS BLOB), x''), ifnull(CAST(data AS BLOB), x''),
    ifnull(CAST(metadata AS BLOB), x''), ifnull(CAST(digest AS BLOB), x'')
FROM events WHERE event_id >= :after + 1 AND event_id <= :until ORDER BY event_id LIMIT :limit

-- name: find_next
SELECT event_id FROM events WHERE event_id >= ? + 1 ORDER BY event_id LIMIT 1

-- name: find_end
-- By the number itself, so that what lies right after it, and may be unreadable, is not looked at.
SELECT event_id, digest FROM events WHERE event_id <= ? ORDER BY event_id DESC LIMIT 1

-- name: read_facts
-- What a rebuild needs to know.
SELECT event_id, recorded_at, type, data FROM events
WHERE event_id > :after AND event_id <= :until ORDER BY event_id LIMIT :limit

-- name: read_some_facts
-- Some events, by a JSON array of their ids and in its order.
SELECT event_id, recorded_at, events.type, data FROM json_each(?) AS wanted CROSS JOIN events ON event_id = wanted.value

-- name: read_stream
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE stream = :stream AND event_id > :after AND event_id <= :until
AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
AND (:without IS NULL OR type NOT IN (SELECT value FROM json_each(:without)))
AND (:actor IS NULL OR actor = :actor) ORDER BY event_id LIMIT :limit

-- name: read_streams_below
-- A prefix is a range of the index on streams: the ids come from there, in log order, and only then are their events
-- read, until there are enough of them.
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM (
    SELECT event_id AS found FROM events INDEXED BY events_by_stream
    WHERE stream >= :prefix AND stream < :prefix_end AND event_id > :after AND event_id <= :until
    ORDER BY event_id LIMIT iif(:types IS NULL AND :without IS NULL, :limit, -1)) CROSS JOIN events ON event_id = found
WHERE (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
AND (:without IS NULL OR type NOT IN (SELECT value FROM json_each(:without)))
ORDER BY found LIMIT :limit

-- name: read_actor
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE actor = :actor AND event_id > :after AND event_id <= :until
AND (:prefix IS NULL OR (stream >= :prefix AND stream < :prefix_end))
AND (:without IS NULL OR type NOT IN (SELECT value FROM json_each(:without)))
AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types))) ORDER BY event_id LIMIT :limit

-- name: read_types
-- Types are few: the caller names those that match its prefix, none of them message.posted, so the partial index serves.
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE type <> 'message.posted' AND type IN (SELECT value FROM json_each(:types))
AND event_id > :after AND event_id <= :until ORDER BY event_id LIMIT :limit

-- name: read_frequent_types
-- Messages are most of the log: the next one is not far.
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE event_id > :after AND event_id <= :until AND type IN (SELECT value FROM json_each(:types))
ORDER BY event_id LIMIT :limit

-- name: read_without
-- All events but those of one type, which is rare; one whose type cannot be read any more is among them.
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE event_id > :after AND event_id <= :until AND type NOT IN (SELECT value FROM json_each(:without))
ORDER BY event_id LIMIT :limit

-- name: read_from_end
-- Here and below, the same reads from `until` backward, each by the same index, to find the last events.
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE event_id <= :until ORDER BY event_id DESC LIMIT :limit

-- name: read_without_from_end
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE event_id <= :until AND type NOT IN (SELECT value FROM json_each(:without)) ORDER BY event_id DESC LIMIT :limit

-- name: read_stream_from_end
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE stream = :stream AND event_id <= :until
AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
AND (:without IS NULL OR type NOT IN (SELECT value FROM json_each(:without)))
AND (:actor IS NULL OR actor = :actor) ORDER BY event_id DESC LIMIT :limit

-- name: read_streams_below_from_end
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM (
    SELECT event_id AS found FROM events INDEXED BY events_by_stream
    WHERE stream >= :prefix AND stream < :prefix_end AND event_id <= :until
    ORDER BY event_id DESC LIMIT iif(:types IS NULL AND :without IS NULL, :limit, -1)) CROSS JOIN events ON event_id = found
WHERE (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
AND (:without IS NULL OR type NOT IN (SELECT value FROM json_each(:without)))
ORDER BY found DESC LIMIT :limit

-- name: read_actor_from_end
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE actor = :actor AND event_id <= :until
AND (:prefix IS NULL OR (stream >= :prefix AND stream < :prefix_end))
AND (:without IS NULL OR type NOT IN (SELECT value FROM json_each(:without)))
AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types))) ORDER BY event_id DESC LIMIT :limit

-- name: read_types_from_end
-- The last events of each type, so that no more are sorted than are asked for, times the types.
SELECT event_id, recorded_at, events.type, stream, actor, data, metadata, digest
FROM json_each(:types) AS wanted CROSS JOIN events ON event_id IN (
    SELECT event_id FROM events WHERE type <> 'message.posted' AND type = wanted.value AND event_id <= :until
    ORDER BY event_id DESC LIMIT :limit)
ORDER BY event_id DESC LIMIT :limit

-- name: read_frequent_types_from_end
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events
WHERE type IN (SELECT value FROM json_each(:types)) AND event_id <= :until
ORDER BY event_id DESC LIMIT :limit

-- name: get_event
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM events WHERE event_id = ?

-- name: find_last_at
SELECT event_id, recorded_at FROM events WHERE event_id <= ? ORDER BY event_id DESC LIMIT 1

-- name: get_event_raw
SELECT event_id, recorded_at, CAST(type AS BLOB), CAST(stream AS BLOB), CAST(actor AS BLOB), data, metadata, digest
FROM events WHERE event_id = ?

-- name: find_last_seen
-- The end of an agent's range in the index on actors.
SELECT recorded_at FROM events WHERE actor = ? AND event_id <= ? ORDER BY event_id DESC LIMIT 1

-- name: list_types_after
-- What kinds of events came after one; of messages only those count that concern a task.
SELECT DISTINCT type FROM events WHERE event_id > ? AND (type <> 'message.posted' OR stream GLOB 'task/*')

-- name: find_last_event_of
SELECT event_id FROM events WHERE actor = ? ORDER BY event_id DESC LIMIT 1

-- name: find_last_erasure
SELECT max(event_id) FROM events WHERE type = 'payload.erased' AND type <> 'message.posted'

-- name: read_erasures
SELECT data FROM events WHERE type = 'payload.erased' AND type <> 'message.posted'

-- name: find_holding
-- The events in which some bytes lie.
SELECT event_id FROM events WHERE instr(data, ?) OR instr(metadata, ?) ORDER BY event_id LIMIT ?

-- name: find_last_of_type
SELECT recorded_at FROM events WHERE stream = ? AND type = ? AND event_id <= ? ORDER BY event_id DESC LIMIT 1

-- name: find_last_in
SELECT event_id FROM events WHERE stream = ? AND event_id > ? ORDER BY event_id DESC LIMIT 1

-- name: find_last_below_of_recent
SELECT event_id FROM events NOT INDEXED WHERE event_id > ? AND stream >= ? AND stream < ?
ORDER BY event_id DESC LIMIT 1

-- name: find_last_below
SELECT max(event_id) FROM events INDEXED BY events_by_stream WHERE stream >= ? AND stream < ? AND event_id > ?

-- name: find_event_at
-- The last event at or before a time; recorded_at never decreases along the log, so the caller searches by halves.
SELECT event_id, recorded_at FROM events WHERE event_id >= ? ORDER BY event_id LIMIT 1

-- name: count_by_type
SELECT type, count(*) AS events, sum(length(data) + length(metadata)), max(event_id) FROM events
GROUP BY type ORDER BY events DESC, type

-- name: count_by_actor
SELECT actor, count(*) AS events, sum(length(data) + length(metadata)), max(event_id) FROM events
GROUP BY actor ORDER BY events DESC, actor

-- name: find_first_time
SELECT recorded_at FROM events ORDER BY event_id LIMIT 1

-- name: count_by_time
SELECT (recorded_at - :from) / :span AS number, count(*) FROM events GROUP BY number ORDER BY number

-- name: allow_changes
-- For the length of an erasure, inside its transaction.
DROP TRIGGER IF EXISTS events_are_never_changed

-- name: refuse_changes
{refuse_changes}

-- name: set_data
UPDATE events SET data = ? WHERE event_id = ?

-- name: find_key
SELECT event_id, metadata, data FROM idempotency_keys JOIN events USING (event_id) WHERE hash = ?

-- name: read_metadata
SELECT event_id, type, actor, metadata FROM events WHERE event_id <= ? ORDER BY event_id

-- name: find_metadata
SELECT type, actor, metadata FROM events WHERE event_id = ?

-- name: drop_keys
DROP TABLE idempotency_keys

-- name: schema_of_keys
{idempotency_keys}

-- name: find_event_of_key
SELECT event_id FROM idempotency_keys WHERE hash = ?

-- name: count_keys
SELECT count(*) FROM idempotency_keys WHERE event_id <= ?

-- name: read_keys
SELECT hash, event_id FROM idempotency_keys WHERE event_id <= ? ORDER BY event_id

-- name: keep_key
INSERT INTO idempotency_keys (hash, event_id) VALUES (?, ?)

-- name: find_setting
SELECT value FROM storage WHERE name = ?

-- name: set_setting
INSERT INTO storage (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: find_clock
SELECT offset FROM clock WHERE boot_id = ?

-- name: set_clock
INSERT INTO clock (boot_id, offset) VALUES (?, ?) ON CONFLICT (boot_id) DO UPDATE SET offset = excluded.offset
