-- part: active
released_at IS NULL AND expires_at >= :now

-- name: schema
-- The metadata comes last: it may be long, and what stands before it is read without it.
CREATE TABLE locks (
    slot TEXT NOT NULL,
    {version_columns},
    file_path TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    fencing_token INTEGER NOT NULL,
    locked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    released_at INTEGER,
    automatic INTEGER NOT NULL CONSTRAINT automatic_is_a_flag CHECK (automatic IN (0, 1)),
    thread_id TEXT,
    notice_channel TEXT,
    metadata TEXT NOT NULL,
    PRIMARY KEY (slot, from_event),
    {version_rules}
) STRICT;
-- Who ever had which slot: one row for each pair. Nothing changes here when an agent has its lock again,
-- while an index on the agents of versions would change with each of them.
CREATE TABLE lock_holders (
    agent_id TEXT NOT NULL,
    slot TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (agent_id, slot)
) STRICT, WITHOUT ROWID;
-- Who was refused which grant: one row for each pair of grant and asker.
CREATE TABLE lock_refusals (
    fencing_token INTEGER NOT NULL,
    asker_agent_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (fencing_token, asker_agent_id)
) STRICT, WITHOUT ROWID;

-- name: indexes
{current_index};
CREATE INDEX locks_active ON locks (expires_at) WHERE {is_current} AND released_at IS NULL;
CREATE INDEX locks_of_agent ON locks (agent_id, expires_at, fencing_token) WHERE {is_current} AND released_at IS NULL;
CREATE INDEX locks_by_thread ON locks (thread_id, until_event) WHERE thread_id IS NOT NULL;
{past_indexes};

-- name: hold
INSERT INTO lock_holders (agent_id, slot, event_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING

-- name: refuse
INSERT INTO lock_refusals (fencing_token, asker_agent_id, event_id) VALUES (?, ?, ?)

-- name: find_refusal
SELECT event_id FROM lock_refusals WHERE fencing_token = ? AND asker_agent_id = ?

-- name: list_held
-- What one agent holds, for when it is gone: as the rules see it. How long the metadata are is told without reading them.
SELECT slot, agent_id, fencing_token, expires_at, thread_id, notice_channel FROM (
    SELECT *, sum(octet_length(metadata)) OVER (ORDER BY fencing_token, slot) - octet_length(metadata) AS bytes_before
    FROM locks INDEXED BY locks_of_agent
    WHERE agent_id = :agent_id AND {is_current} AND {active} AND fencing_token < :before)
WHERE bytes_before < :most_bytes ORDER BY fencing_token, slot LIMIT :limit

-- name: count_held
SELECT count(*) FROM locks INDEXED BY locks_of_agent
WHERE agent_id = :agent_id AND {is_current} AND {active} AND fencing_token < :before

-- name: list_sharers
-- Of one key, what each agent has that shares it, or did: the slots between :low and :high.
SELECT {columns} FROM locks WHERE slot >= :low AND slot < :high AND from_event <= :at AND until_event > :at

-- name: list_standing
-- All that is held, as the rules see it, in the order in which it was granted.
SELECT slot, agent_id, fencing_token, expires_at, automatic FROM {at} WHERE {active} ORDER BY fencing_token, slot

-- name: list_slots
SELECT DISTINCT slot FROM lock_holders

-- name: list_in_thread
SELECT {columns} FROM {at} WHERE thread_id = :thread_id AND (NOT :active_only OR ({active})) ORDER BY fencing_token, slot

-- name: list_all
SELECT {columns} FROM {at} ORDER BY fencing_token, slot

-- name: list_active
-- In the present the partial index on what is not released skips all that is over.
SELECT {columns} FROM {at} WHERE {active} ORDER BY fencing_token, slot

-- name: list_all_of_agent
-- Of each file that the agent ever locked, the version that holds at event :at, if it is the agent's.
SELECT {columns} FROM locks AS l WHERE agent_id = :agent_id AND (slot, from_event) IN (
    SELECT h.slot, (SELECT max(from_event) FROM locks WHERE slot = h.slot AND from_event <= :at)
    FROM lock_holders AS h WHERE h.agent_id = :agent_id)
ORDER BY fencing_token, slot

-- name: list_active_of_agent
SELECT {columns} FROM {at} WHERE {active} AND agent_id = :agent_id ORDER BY fencing_token, slot
