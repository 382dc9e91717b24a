-- What all tables of versions have in common. `projections.versions` says which {table}, its {key} and {columns}.

-- part: version_columns
from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL,
    node INTEGER

-- part: version_rules
CONSTRAINT a_version_lasts CHECK (until_event > from_event),
    CONSTRAINT the_past_is_filed CHECK ((node IS NULL) = (until_event = {CURRENT}))

-- part: current_index
CREATE INDEX {table}_current ON {table} (from_event) WHERE {is_current}

-- part: past_indexes
CREATE INDEX {table}_past_below ON {table} (node, until_event) WHERE node IS NOT NULL;
CREATE INDEX {table}_past_above ON {table} (node, from_event) WHERE node IS NOT NULL

-- part: is_current
until_event = {CURRENT}

-- part: at
-- All versions that hold right after event :at. In the present :below and :above are empty.
(
    SELECT * FROM {table} WHERE {is_current} AND from_event <= :at
    UNION ALL
    SELECT {table}.* FROM json_each(:below) AS way CROSS JOIN {table} INDEXED BY {table}_past_below
    WHERE node = way.value AND until_event > :at
    UNION ALL
    SELECT {table}.* FROM json_each(:above) AS way CROSS JOIN {table} INDEXED BY {table}_past_above
    WHERE node = way.value AND from_event <= :at
)

-- part: version_at
-- The version of :key that holds right after event :at is the last that began by then.
SELECT {columns} FROM {table} WHERE {key} = :key AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: insert
INSERT INTO {table} (from_event, until_event, node, {columns}) VALUES (?, ?, ?, {values})

-- name: close
UPDATE {table} SET until_event = ?, node = ? WHERE {key} = ? AND from_event = ?

-- name: find_current
-- The current version is the last.
SELECT from_event, {columns} FROM {table} WHERE {key} = ? ORDER BY from_event DESC LIMIT 1

-- name: find
{version_at}
