-- name: schema
-- What was issued and what was revoked, apart: rows are only ever added, so any moment is a comparison.
CREATE TABLE tokens (
    event_id INTEGER PRIMARY KEY,
    token_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    is_operator INTEGER NOT NULL CONSTRAINT is_operator_is_a_flag CHECK (is_operator IN (0, 1)),
    issued_by TEXT NOT NULL,
    issued_at INTEGER NOT NULL
) STRICT;
CREATE TABLE token_revocations (
    token_id TEXT PRIMARY KEY,
    event_id INTEGER NOT NULL,
    revoked_by TEXT NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX tokens_by_id ON tokens (token_id);

-- name: issue
INSERT INTO tokens (event_id, token_id, agent_id, hash, is_operator, issued_by, issued_at) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: revoke
INSERT INTO token_revocations (token_id, event_id, revoked_by, revoked_at) VALUES (?, ?, ?, ?)

-- name: list
SELECT t.token_id, t.agent_id, t.is_operator, t.issued_by, t.issued_at, r.revoked_by, r.revoked_at
FROM tokens AS t LEFT JOIN token_revocations AS r ON r.token_id = t.token_id AND r.event_id <= :at
WHERE t.event_id <= :at ORDER BY t.event_id

-- name: find
-- The same of one.
SELECT t.token_id, t.agent_id, t.is_operator, t.issued_by, t.issued_at, r.revoked_by, r.revoked_at
FROM tokens AS t LEFT JOIN token_revocations AS r ON r.token_id = t.token_id AND r.event_id <= :at
WHERE t.token_id = :token_id AND t.event_id <= :at

-- name: list_holders
-- Whose names are bound, and whether as an operator; a name stays bound when its tokens are revoked.
SELECT agent_id, is_operator AND token_id NOT IN (SELECT token_id FROM token_revocations) FROM tokens

-- name: find_by_hash
-- Whose a token is, unless it was revoked; all of the hash is compared, its beginning is the index.
SELECT agent_id, is_operator FROM tokens
WHERE token_id = :token_id AND hash = :hash AND token_id NOT IN (SELECT token_id FROM token_revocations)
