-- name: schema
-- `said` is what may be looked for; `marks` are words that say who, where and of what kind, so that a question that
-- names them need not look through what others said. The texts themselves are not kept: they stand in the log.
CREATE TABLE about (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, storage TEXT NOT NULL,
    filled_to INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5(said, marks, content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');

-- name: is_new
SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)

-- name: begin_filling
INSERT INTO about (id, version, storage, filled_to, digest) VALUES (1, ?, ?, 0, ?);

-- name: read_about
SELECT version, storage, filled_to, digest FROM about

-- name: advance
UPDATE about SET filled_to = ?, digest = ?

-- name: add
INSERT INTO words (rowid, said, marks) VALUES (?, ?, ?)

-- name: remove
DELETE FROM words WHERE rowid = ?

-- name: add_segment
-- A row that no question finds: merging one segment alone does nothing.
INSERT OR REPLACE INTO words (rowid, said, marks) VALUES (0, '', 'overwritten')

-- name: merge
-- Until then, what was removed is only marked so.
INSERT INTO words (words) VALUES ('optimize')

-- name: count
SELECT count(*) FROM words WHERE rowid > 0

-- name: find
-- Newest first, which is the order of the index backward: no more is read than is asked for.
SELECT rowid FROM words WHERE words MATCH :match AND rowid > :after AND rowid < :before ORDER BY rowid DESC LIMIT :limit
