-- name: schema
-- A row for each message that asks to be acknowledged.
CREATE TABLE receipts (
    message_id INTEGER NOT NULL,
    {version_columns},
    to_agent TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    ack_by INTEGER,
    acknowledged_at INTEGER,
    how TEXT CONSTRAINT how_is_known CHECK (how IN ('ack', 'reply')),
    PRIMARY KEY (message_id, from_event),
    {version_rules},
    CONSTRAINT what_is_acknowledged_says_how CHECK ((acknowledged_at IS NULL) = (how IS NULL))
) STRICT;

-- part: of_whom
(:to_agent IS NULL OR to_agent = :to_agent) AND (:from_agent IS NULL OR from_agent = :from_agent)

-- name: indexes
{current_index};
CREATE INDEX receipts_wanted ON receipts (message_id) WHERE {is_current} AND acknowledged_at IS NULL;
CREATE INDEX receipts_wanted_of ON receipts (to_agent, message_id) WHERE {is_current} AND acknowledged_at IS NULL;
CREATE INDEX receipts_wanted_by ON receipts (from_agent, message_id) WHERE {is_current} AND acknowledged_at IS NULL;
CREATE INDEX receipts_due ON receipts (ack_by, message_id)
WHERE {is_current} AND acknowledged_at IS NULL AND ack_by IS NOT NULL;
{past_indexes};

-- name: list_wanted
-- What is not acknowledged, oldest first: in the present an index has just that.
SELECT {columns} FROM receipts INDEXED BY receipts_wanted
WHERE {is_current} AND acknowledged_at IS NULL AND message_id > :after ORDER BY message_id LIMIT :most

-- name: list_wanted_of
-- The same of one recipient.
SELECT {columns} FROM receipts INDEXED BY receipts_wanted_of
WHERE {is_current} AND acknowledged_at IS NULL AND to_agent = :to_agent AND message_id > :after
AND (:from_agent IS NULL OR from_agent = :from_agent) ORDER BY message_id LIMIT :most

-- name: list_wanted_by
-- The same of one sender.
SELECT {columns} FROM receipts INDEXED BY receipts_wanted_by
WHERE {is_current} AND acknowledged_at IS NULL AND from_agent = :from_agent AND message_id > :after
ORDER BY message_id LIMIT :most

-- name: list_wanted_at
-- The same at a moment, of anybody.
SELECT {columns} FROM {at}
WHERE acknowledged_at IS NULL AND message_id > :after AND {of_whom} ORDER BY message_id LIMIT :most

-- name: list_overdue
-- What was to be acknowledged before now, the longest ago first.
SELECT {columns} FROM receipts INDEXED BY receipts_due
WHERE {is_current} AND acknowledged_at IS NULL AND ack_by IS NOT NULL AND ack_by < :now AND {of_whom}
ORDER BY ack_by, message_id LIMIT :most

-- name: list_overdue_at
-- The same at a moment.
SELECT {columns} FROM {at}
WHERE acknowledged_at IS NULL AND ack_by IS NOT NULL AND ack_by < :now AND {of_whom}
ORDER BY ack_by, message_id LIMIT :most
