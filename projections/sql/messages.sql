-- name: schema
-- What a message says, once; `attachments` and `metadata` are JSON, NULL when they are empty.
CREATE TABLE messages (
    event_id INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    from_agent TEXT NOT NULL,
    to_agent TEXT,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    attachments TEXT,
    reply_to INTEGER,
    metadata TEXT,
    thread_id TEXT,
    thread_ordinal INTEGER,
    CONSTRAINT threads_are_counted CHECK ((thread_id IS NULL) = (thread_ordinal IS NULL))
) STRICT;
-- A post looks up the one before it in its thread, so this index is there from the first row on.
CREATE INDEX messages_by_thread ON messages (thread_id) WHERE thread_id IS NOT NULL;

-- name: indexes
CREATE INDEX messages_broadcast ON messages (event_id) WHERE to_agent IS NULL;
CREATE INDEX messages_by_channel ON messages (channel) WHERE to_agent IS NULL;
CREATE INDEX messages_artifacts ON messages (thread_id) WHERE thread_id IS NOT NULL AND kind = 'artifact';

-- name: post
INSERT INTO messages
(event_id, recorded_at, from_agent, to_agent, channel, kind, body, attachments, reply_to, metadata, thread_id,
    thread_ordinal)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: find_ordinal
SELECT thread_ordinal FROM messages WHERE thread_id = ? ORDER BY event_id DESC LIMIT 1

-- name: get
SELECT event_id, recorded_at, from_agent, to_agent, channel, kind, body, attachments, reply_to, metadata, thread_id
FROM messages WHERE event_id = ?

-- name: read
-- Some messages, by a JSON array of their ids and in its order; a row of NULLs for what is not there.
SELECT event_id, recorded_at, from_agent, to_agent, channel, kind, body, attachments, reply_to, metadata, thread_id
FROM json_each(?) AS wanted LEFT JOIN messages ON event_id = wanted.value

-- name: channel_page
SELECT event_id FROM messages
WHERE to_agent IS NULL AND channel = :channel AND event_id > :since_id AND event_id <= :at
ORDER BY event_id LIMIT :limit

-- name: channel_tail
SELECT event_id FROM messages
WHERE to_agent IS NULL AND channel = :channel AND event_id <= :at ORDER BY event_id DESC LIMIT :limit

-- name: thread_page
SELECT event_id FROM messages
WHERE thread_id = :thread_id AND to_agent IS NULL AND (:channel IS NULL OR channel = :channel)
AND event_id > :since_id AND event_id <= :at ORDER BY event_id LIMIT :limit

-- name: thread_tail
SELECT event_id FROM messages
WHERE thread_id = :thread_id AND to_agent IS NULL AND (:channel IS NULL OR channel = :channel) AND event_id <= :at
ORDER BY event_id DESC LIMIT :limit

-- name: thread_all
-- Everything said in a thread, direct messages included.
SELECT event_id FROM messages
WHERE thread_id = :thread_id AND event_id > :since_id AND event_id <= :at ORDER BY event_id LIMIT :limit

-- name: visible_page
-- What an agent may see: two ordered ranges, each cut at the limit before they are merged.
SELECT event_id FROM (
    SELECT event_id FROM messages INDEXED BY messages_broadcast
    WHERE to_agent IS NULL AND event_id > :since_id AND event_id <= :at
    AND (:exclude_agent IS NULL OR from_agent <> :exclude_agent) ORDER BY event_id LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT i.event_id FROM inbox AS i JOIN messages AS d ON d.event_id = i.event_id
    WHERE i.agent_id = :agent_id AND i.event_id > :since_id AND i.event_id <= :at
    AND (:exclude_agent IS NULL OR d.from_agent <> :exclude_agent) ORDER BY i.event_id LIMIT :limit)
ORDER BY event_id LIMIT :limit

-- name: visible_tail
-- The same from its end.
SELECT event_id FROM (
    SELECT event_id FROM messages INDEXED BY messages_broadcast
    WHERE to_agent IS NULL AND event_id <= :at
    AND (:exclude_agent IS NULL OR from_agent <> :exclude_agent) ORDER BY event_id DESC LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT i.event_id FROM inbox AS i JOIN messages AS d ON d.event_id = i.event_id
    WHERE i.agent_id = :agent_id AND i.event_id <= :at
    AND (:exclude_agent IS NULL OR d.from_agent <> :exclude_agent) ORDER BY i.event_id DESC LIMIT :limit)
ORDER BY event_id DESC LIMIT :limit

-- name: visible_in_channel_page
SELECT event_id FROM (
    SELECT event_id FROM messages INDEXED BY messages_by_channel
    WHERE to_agent IS NULL AND channel = :channel AND event_id > :since_id AND event_id <= :at
    AND (:exclude_agent IS NULL OR from_agent <> :exclude_agent) ORDER BY event_id LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT i.event_id FROM inbox AS i INDEXED BY inbox_by_channel JOIN messages AS d ON d.event_id = i.event_id
    WHERE i.agent_id = :agent_id AND i.channel = :channel AND i.event_id > :since_id AND i.event_id <= :at
    AND (:exclude_agent IS NULL OR d.from_agent <> :exclude_agent) ORDER BY i.event_id LIMIT :limit)
ORDER BY event_id LIMIT :limit

-- name: visible_in_thread_page
SELECT event_id FROM messages
WHERE thread_id = :thread_id AND (to_agent IS NULL OR to_agent = :agent_id)
AND (:channel IS NULL OR channel = :channel) AND (:exclude_agent IS NULL OR from_agent <> :exclude_agent)
AND event_id > :since_id AND event_id <= :at ORDER BY event_id LIMIT :limit

-- name: visible_in_channels_page
-- Each channel gives its first rows, cut at the limit: a rare channel is not looked for in all that was said elsewhere.
SELECT f.event_id FROM (SELECT DISTINCT value AS name FROM json_each(:channels)) AS c
CROSS JOIN messages AS f ON f.event_id IN (
    SELECT event_id FROM messages INDEXED BY messages_by_channel
    WHERE to_agent IS NULL AND channel = c.name AND event_id > :since_id AND event_id <= :at
    AND (:exclude_agent IS NULL OR from_agent <> :exclude_agent) ORDER BY event_id LIMIT :limit)
UNION ALL
SELECT event_id FROM (
    SELECT i.event_id FROM inbox AS i JOIN messages AS d ON d.event_id = i.event_id
    WHERE i.agent_id = :agent_id AND i.channel IN (SELECT value FROM json_each(:channels))
    AND i.event_id > :since_id AND i.event_id <= :at
    AND (:exclude_agent IS NULL OR d.from_agent <> :exclude_agent) ORDER BY i.event_id LIMIT :limit)
ORDER BY event_id LIMIT :limit

-- name: find_latest_broadcast
SELECT event_id FROM messages INDEXED BY messages_broadcast
WHERE to_agent IS NULL AND event_id <= :at ORDER BY event_id DESC LIMIT 1
