-- name: schema
-- A row for each time that an agent was to be woken.
CREATE TABLE wakes (
    wake_id INTEGER NOT NULL,
    {version_columns},
    agent_id TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    message_id INTEGER,
    state TEXT NOT NULL CONSTRAINT state_is_known
        CHECK (state IN ('requested', 'sent', 'seen', 'acknowledged', 'dark')),
    turn TEXT NOT NULL CONSTRAINT turn_is_known CHECK (turn IN ('harness', 'watch')),
    road TEXT,
    requested_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (wake_id, from_event),
    {version_rules},
    CONSTRAINT what_is_on_its_way_is_due CHECK ((due_at IS NULL) = (state NOT IN ('requested', 'sent')))
) STRICT;

-- name: indexes
{current_index};
CREATE INDEX wakes_of ON wakes (agent_id, wake_id) WHERE {is_current};
CREATE INDEX wakes_due ON wakes (due_at) WHERE {is_current} AND due_at IS NOT NULL;
{past_indexes};

-- name: list
-- The newest first.
SELECT {columns} FROM {at}
WHERE (:agent_id IS NULL OR agent_id = :agent_id) AND (NOT :called OR state IN ('requested', 'sent'))
ORDER BY wake_id DESC LIMIT :most

-- name: list_dark
-- Those that were not seen, the newest first.
SELECT {columns} FROM {at} WHERE state = 'dark' ORDER BY wake_id DESC LIMIT :most

-- name: find_last
SELECT {columns} FROM wakes INDEXED BY wakes_of
WHERE {is_current} AND agent_id = :agent_id ORDER BY wake_id DESC LIMIT 1

-- name: list_due
-- The event at which each was changed last comes first.
SELECT from_event, {columns} FROM wakes INDEXED BY wakes_due
WHERE {is_current} AND due_at IS NOT NULL AND due_at <= :now ORDER BY due_at LIMIT :most

-- name: find_next_due
SELECT coalesce(
    (SELECT min(due_at) FROM wakes INDEXED BY wakes_due WHERE {is_current} AND due_at IS NOT NULL), :never
)
