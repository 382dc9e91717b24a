-- name: schema
CREATE TABLE claims (
    claim_key TEXT NOT NULL,
    from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL,
    fork INTEGER,
    owner_agent_id TEXT NOT NULL,
    fencing_token INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    released_at INTEGER,
    metadata TEXT NOT NULL,
    thread_id TEXT,
    task_message_id INTEGER,
    PRIMARY KEY (claim_key, from_event),
    CONSTRAINT a_version_lasts CHECK (until_event > from_event),
    CONSTRAINT the_past_is_filed CHECK ((fork IS NULL) = (until_event = 9223372036854775807))
) STRICT, WITHOUT ROWID;
-- Who was refused which grant: one row for each pair of grant and asker.
CREATE TABLE claim_refusals (
    fencing_token INTEGER NOT NULL,
    asker_agent_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (fencing_token, asker_agent_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX claims_current ON claims (from_event) WHERE until_event = 9223372036854775807;
CREATE INDEX claims_active ON claims (expires_at) WHERE until_event = 9223372036854775807 AND released_at IS NULL;
CREATE INDEX claims_by_thread ON claims (thread_id, until_event) WHERE thread_id IS NOT NULL;
CREATE INDEX claims_past_below ON claims (fork, until_event) WHERE fork IS NOT NULL;
CREATE INDEX claims_past_above ON claims (fork, from_event) WHERE fork IS NOT NULL;

-- name: insert
INSERT INTO claims (from_event, until_event, fork, claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: close
UPDATE claims SET until_event = ?, fork = ? WHERE claim_key = ? AND from_event = ?

-- name: find_current
-- The present version is the last.
SELECT from_event, claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM claims WHERE claim_key = ? ORDER BY from_event DESC LIMIT 1

-- name: refuse
INSERT INTO claim_refusals (fencing_token, asker_agent_id, event_id) VALUES (?, ?, ?)

-- name: find
-- The version that holds at event :at is the last that began by then.
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM claims WHERE claim_key = :key AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: find_refusal
SELECT event_id FROM claim_refusals WHERE fencing_token = ? AND asker_agent_id = ?

-- name: list_held
-- Asked for when a session ends, and found among the active ones: an index on owners would cost every claim ten pages.
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM claims
WHERE owner_agent_id = :agent_id AND until_event = 9223372036854775807 AND released_at IS NULL AND expires_at >= :now
ORDER BY fencing_token

-- name: list_in_thread
-- Of the present versions, the index on threads finds those of one; the past is searched as everywhere.
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM claims INDEXED BY claims_by_thread
WHERE thread_id = :thread_id AND until_event = 9223372036854775807 AND from_event <= :at
AND (NOT :active_only OR (released_at IS NULL AND expires_at >= :now))
UNION ALL
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM json_each(:below) AS node CROSS JOIN claims INDEXED BY claims_past_below
WHERE fork = node.value AND until_event > :at AND thread_id = :thread_id
AND (NOT :active_only OR (released_at IS NULL AND expires_at >= :now))
UNION ALL
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM json_each(:above) AS node CROSS JOIN claims INDEXED BY claims_past_above
WHERE fork = node.value AND from_event <= :at AND thread_id = :thread_id
AND (NOT :active_only OR (released_at IS NULL AND expires_at >= :now))
ORDER BY fencing_token

-- name: list_all
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM claims
WHERE until_event = 9223372036854775807 AND from_event <= :at
UNION ALL
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM json_each(:below) AS node CROSS JOIN claims
WHERE fork = node.value AND until_event > :at
UNION ALL
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM json_each(:above) AS node CROSS JOIN claims
WHERE fork = node.value AND from_event <= :at
ORDER BY fencing_token

-- name: list_active
-- In the present the partial index on what is not released skips all that is over.
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM claims
WHERE until_event = 9223372036854775807 AND from_event <= :at AND released_at IS NULL AND expires_at >= :now
UNION ALL
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM json_each(:below) AS node CROSS JOIN claims
WHERE fork = node.value AND until_event > :at AND released_at IS NULL AND expires_at >= :now
UNION ALL
SELECT claim_key, owner_agent_id, fencing_token, claimed_at, expires_at, released_at, metadata, thread_id, task_message_id FROM json_each(:above) AS node CROSS JOIN claims
WHERE fork = node.value AND from_event <= :at AND released_at IS NULL AND expires_at >= :now
ORDER BY fencing_token
