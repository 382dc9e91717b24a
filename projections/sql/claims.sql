-- part: active
released_at IS NULL AND expires_at >= :now

-- name: schema
-- The metadata comes last: it may be long, and what stands before it is read without it.
CREATE TABLE claims (
    claim_key TEXT NOT NULL,
    {version_columns},
    owner_agent_id TEXT NOT NULL,
    fencing_token INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    released_at INTEGER,
    thread_id TEXT,
    task_message_id INTEGER,
    notice_channel TEXT,
    metadata TEXT NOT NULL,
    PRIMARY KEY (claim_key, from_event),
    {version_rules}
) STRICT;
-- Who was refused which grant: one row for each pair of grant and asker.
CREATE TABLE claim_refusals (
    fencing_token INTEGER NOT NULL,
    asker_agent_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (fencing_token, asker_agent_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
{current_index};
CREATE INDEX claims_active ON claims (expires_at) WHERE {is_current} AND released_at IS NULL;
CREATE INDEX claims_of_agent ON claims (owner_agent_id, expires_at, fencing_token) WHERE {is_current} AND released_at IS NULL;
CREATE INDEX claims_by_thread ON claims (thread_id, until_event) WHERE thread_id IS NOT NULL;
{past_indexes};

-- name: refuse
INSERT INTO claim_refusals (fencing_token, asker_agent_id, event_id) VALUES (?, ?, ?)

-- name: find_refusal
SELECT event_id FROM claim_refusals WHERE fencing_token = ? AND asker_agent_id = ?

-- name: list_held
-- What one agent holds, for when it is gone: as the rules see it. How long the metadata are is told without reading them.
SELECT claim_key, owner_agent_id, fencing_token, expires_at, thread_id, task_message_id, notice_channel FROM (
    SELECT *, sum(octet_length(metadata)) OVER (ORDER BY fencing_token) - octet_length(metadata) AS bytes_before
    FROM claims INDEXED BY claims_of_agent
    WHERE owner_agent_id = :agent_id AND {is_current} AND {active} AND fencing_token < :before)
WHERE bytes_before < :most_bytes ORDER BY fencing_token LIMIT :limit

-- name: count_held
SELECT count(*) FROM claims INDEXED BY claims_of_agent
WHERE owner_agent_id = :agent_id AND {is_current} AND {active} AND fencing_token < :before

-- name: list_standing
-- All that is held, as the rules see it, in the order in which it was granted.
SELECT claim_key, owner_agent_id, fencing_token, expires_at FROM {at} WHERE {active} ORDER BY fencing_token

-- name: list_in_thread
SELECT {columns} FROM {at} WHERE thread_id = :thread_id AND (NOT :active_only OR ({active})) ORDER BY fencing_token

-- name: list_all
SELECT {columns} FROM {at} ORDER BY fencing_token

-- name: list_active
-- In the present the partial index on what is not released skips all that is over.
SELECT {columns} FROM {at} WHERE {active} ORDER BY fencing_token
