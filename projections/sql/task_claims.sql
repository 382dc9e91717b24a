-- name: schema
-- Which task a claim is the lease on, where its key is not that of the task itself.
CREATE TABLE task_claims (
    claim_key TEXT NOT NULL,
    {version_columns},
    task_id INTEGER,
    PRIMARY KEY (claim_key, from_event),
    {version_rules}
) STRICT;
