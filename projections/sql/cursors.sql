-- name: schema
-- Where a cursor stands; its key is the agent and the cursor's name, with a tab between.
CREATE TABLE cursors (
    cursor TEXT NOT NULL,
    {version_columns},
    position INTEGER NOT NULL,
    PRIMARY KEY (cursor, from_event),
    {version_rules}
) STRICT;

-- name: indexes
{current_index};
{past_indexes}
