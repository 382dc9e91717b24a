-- name: schema
-- Which hub has an agent, or had it last. Nothing changes here while a hub goes on to vouch for it.
CREATE TABLE vouches (
    agent_id TEXT NOT NULL,
    {version_columns},
    hub_id TEXT NOT NULL,
    has INTEGER NOT NULL CONSTRAINT has_is_a_flag CHECK (has IN (0, 1)),
    PRIMARY KEY (agent_id, from_event),
    {version_rules}
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX vouches_of_hub ON vouches (hub_id) WHERE {is_current} AND has = 1;

-- name: find_of_agent
SELECT from_event, hub_id, has FROM vouches WHERE agent_id = ? AND from_event <= ? ORDER BY from_event DESC LIMIT 1

-- name: list_of_hub
SELECT agent_id FROM vouches WHERE hub_id = ? AND {is_current} AND has = 1 ORDER BY agent_id
