-- name: schema
-- A place that was left by all its calls has no event that says so: `expires_at` does.
CREATE TABLE places (
    place_id INTEGER NOT NULL,
    {version_columns},
    noun TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    keys TEXT NOT NULL,
    mode TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    wait_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ttl INTEGER NOT NULL,
    passes TEXT NOT NULL,
    hub_id TEXT NOT NULL,
    ended_at INTEGER,
    ending TEXT,
    event_id INTEGER,
    PRIMARY KEY (place_id, from_event),
    {version_rules}
) STRICT;

-- name: indexes
{current_index};
CREATE INDEX places_waiting ON places (expires_at) WHERE {is_current} AND ended_at IS NULL;
{past_indexes};

-- name: list_waiting
-- In the present the partial index on what has not ended skips all that is over.
SELECT {columns} FROM {at} WHERE ended_at IS NULL AND expires_at >= :now
AND (:noun IS NULL OR noun = :noun) AND (:agent_id IS NULL OR agent_id = :agent_id) ORDER BY place_id

-- name: list_keys
SELECT DISTINCT key.value FROM places, json_each(places.keys) AS key WHERE noun = 'lock'
