-- Which messages there are: each stands once, in its event, and here is how the events of a page are found.

-- part: after
event_id > :since_id AND event_id <= :at

-- part: others
(:exclude_agent IS NULL OR from_agent <> :exclude_agent)

-- part: first_direct
-- The first messages to :agent_id alone.
SELECT event_id FROM (
    SELECT event_id FROM inbox WHERE agent_id = :agent_id AND {after} AND {others} ORDER BY event_id LIMIT :limit)

-- name: schema
-- What was said to all.
CREATE TABLE broadcasts (
    event_id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    from_agent TEXT NOT NULL
) STRICT;
-- What was said in threads, to all or to one agent. Each has its place in its thread: by that, the count as of any event
-- is one look-up.
CREATE TABLE thread_messages (
    thread_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    is_artifact INTEGER NOT NULL CONSTRAINT is_artifact_is_a_flag CHECK (is_artifact IN (0, 1)),
    channel TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    to_agent TEXT,
    PRIMARY KEY (thread_id, event_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX broadcasts_by_channel ON broadcasts (channel);
CREATE INDEX thread_artifacts ON thread_messages (thread_id, event_id) WHERE is_artifact = 1;

-- name: schema_in_full
-- Only in a database that a replay made for SQL; the columns are those of a message's JSON.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    ts TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    to_agent TEXT,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    attachments TEXT NOT NULL,
    reply_to INTEGER,
    thread_id TEXT,
    metadata TEXT NOT NULL
) STRICT;

-- name: indexes_in_full
CREATE INDEX messages_by_thread ON messages (thread_id) WHERE thread_id IS NOT NULL;

-- name: write_in_full
INSERT INTO messages (id, ts, from_agent, to_agent, channel, kind, body, attachments, reply_to, thread_id, metadata)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: broadcast
INSERT INTO broadcasts (event_id, channel, from_agent) VALUES (?, ?, ?)

-- name: add_to_thread
INSERT INTO thread_messages (thread_id, event_id, ordinal, recorded_at, is_artifact, channel, from_agent, to_agent)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: find_ordinal
SELECT ordinal FROM thread_messages WHERE thread_id = ? ORDER BY event_id DESC LIMIT 1

-- name: channel_page
SELECT event_id FROM broadcasts WHERE channel = :channel AND {after} ORDER BY event_id LIMIT :limit

-- name: channel_tail
SELECT event_id FROM broadcasts WHERE channel = :channel AND event_id <= :at ORDER BY event_id DESC LIMIT :limit

-- name: thread_page
SELECT event_id FROM thread_messages
WHERE thread_id = :thread_id AND to_agent IS NULL AND (:channel IS NULL OR channel = :channel) AND {after}
ORDER BY event_id LIMIT :limit

-- name: thread_tail
SELECT event_id FROM thread_messages
WHERE thread_id = :thread_id AND to_agent IS NULL AND (:channel IS NULL OR channel = :channel) AND event_id <= :at
ORDER BY event_id DESC LIMIT :limit

-- name: thread_all
-- Everything said in a thread, direct messages included.
SELECT event_id FROM thread_messages WHERE thread_id = :thread_id AND {after} ORDER BY event_id LIMIT :limit

-- name: visible_page
-- What an agent may see: two ordered ranges, each cut at the limit before they are merged.
SELECT event_id FROM (SELECT event_id FROM broadcasts WHERE {after} AND {others} ORDER BY event_id LIMIT :limit)
UNION ALL
{first_direct}
ORDER BY event_id LIMIT :limit

-- name: visible_tail
-- The same from its end.
SELECT event_id FROM (
    SELECT event_id FROM broadcasts WHERE event_id <= :at AND {others} ORDER BY event_id DESC LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT event_id FROM inbox WHERE agent_id = :agent_id AND event_id <= :at AND {others}
    ORDER BY event_id DESC LIMIT :limit)
ORDER BY event_id DESC LIMIT :limit

-- name: visible_in_channel_page
SELECT event_id FROM (
    SELECT event_id FROM broadcasts WHERE channel = :channel AND {after} AND {others} ORDER BY event_id LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT event_id FROM inbox INDEXED BY inbox_by_channel
    WHERE agent_id = :agent_id AND channel = :channel AND {after} AND {others} ORDER BY event_id LIMIT :limit)
ORDER BY event_id LIMIT :limit

-- name: visible_in_thread_page
SELECT event_id FROM thread_messages
WHERE thread_id = :thread_id AND (to_agent IS NULL OR to_agent = :agent_id)
AND (:channel IS NULL OR channel = :channel) AND {others} AND {after} ORDER BY event_id LIMIT :limit

-- name: visible_in_channels_page
-- Each channel gives its first rows, cut at the limit: a rare channel is not looked for in all that was said elsewhere.
SELECT f.event_id FROM (SELECT DISTINCT value AS name FROM json_each(:channels)) AS c
CROSS JOIN broadcasts AS f ON f.event_id IN (
    SELECT event_id FROM broadcasts WHERE channel = c.name AND {after} AND {others} ORDER BY event_id LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT event_id FROM inbox WHERE agent_id = :agent_id AND channel IN (SELECT value FROM json_each(:channels))
    AND {after} AND {others} ORDER BY event_id LIMIT :limit)
ORDER BY event_id LIMIT :limit

-- name: count
-- How many messages there are up to an event.
SELECT (SELECT count(*) FROM broadcasts WHERE event_id <= :at) + (SELECT count(*) FROM inbox WHERE event_id <= :at)

-- name: find_latest_broadcast
SELECT event_id FROM broadcasts WHERE event_id <= :at ORDER BY event_id DESC LIMIT 1
