-- name: schema
CREATE TABLE tasks (
    task_id INTEGER NOT NULL,
    from_event INTEGER NOT NULL,
    until_event INTEGER NOT NULL,
    fork INTEGER,
    parent_task_id INTEGER,
    channel TEXT NOT NULL,
    thread_id TEXT,
    kind TEXT NOT NULL CONSTRAINT kind_opens_tasks CHECK (kind IN ('task', 'task_request')),
    status TEXT NOT NULL CONSTRAINT status_is_known CHECK (status IN ('open', 'done')),
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (task_id, from_event),
    CONSTRAINT a_version_lasts CHECK (until_event > from_event),
    CONSTRAINT the_past_is_filed CHECK ((fork IS NULL) = (until_event = 9223372036854775807)),
    CONSTRAINT done_has_a_time CHECK ((status = 'done') = (completed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- name: indexes
CREATE INDEX tasks_current ON tasks (from_event) WHERE until_event = 9223372036854775807;
CREATE INDEX tasks_open ON tasks (task_id) WHERE until_event = 9223372036854775807 AND status = 'open';
CREATE INDEX tasks_by_parent ON tasks (parent_task_id, status) WHERE parent_task_id IS NOT NULL AND until_event = 9223372036854775807;
CREATE INDEX tasks_by_thread ON tasks (thread_id, task_id) WHERE thread_id IS NOT NULL;
CREATE INDEX tasks_past_below ON tasks (fork, until_event) WHERE fork IS NOT NULL;
CREATE INDEX tasks_past_above ON tasks (fork, from_event) WHERE fork IS NOT NULL;

-- name: insert
INSERT INTO tasks (from_event, until_event, fork, task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: close
UPDATE tasks SET until_event = ?, fork = ? WHERE task_id = ? AND from_event = ?

-- name: find_current
-- The present version is the last.
SELECT from_event, task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at FROM tasks WHERE task_id = ? ORDER BY from_event DESC LIMIT 1

-- name: find
-- The version that holds at event :at is the last that began by then.
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at FROM tasks WHERE task_id = :task_id AND from_event <= :at ORDER BY from_event DESC LIMIT 1

-- name: find_event
-- The event that made the present version.
SELECT from_event FROM tasks WHERE task_id = ? ORDER BY from_event DESC LIMIT 1

-- name: find_open_sibling
SELECT 1 FROM tasks
WHERE parent_task_id = :parent_task_id AND until_event = 9223372036854775807 AND status = 'open' AND task_id <> :task_id LIMIT 1

-- name: count_children
SELECT count(*) FROM tasks WHERE parent_task_id = ? AND until_event = 9223372036854775807

-- name: list_in_thread
-- The versions of one thread's tasks are few enough to look through.
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at FROM tasks
WHERE thread_id = :thread_id AND from_event <= :at AND until_event > :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel)
ORDER BY task_id

-- name: list_children
-- Of the present versions, the index on parents finds a task's children; the past is searched as everywhere.
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at FROM tasks INDEXED BY tasks_by_parent
WHERE until_event = 9223372036854775807 AND from_event <= :at AND parent_task_id = :parent_id
AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
UNION ALL
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at
FROM json_each(:below) AS node CROSS JOIN tasks INDEXED BY tasks_past_below
WHERE fork = node.value AND until_event > :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
UNION ALL
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at
FROM json_each(:above) AS node CROSS JOIN tasks INDEXED BY tasks_past_above
WHERE fork = node.value AND from_event <= :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
ORDER BY task_id

-- name: list_open
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at FROM tasks INDEXED BY tasks_open
WHERE until_event = 9223372036854775807 AND status = 'open' AND from_event <= :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
UNION ALL
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at
FROM json_each(:below) AS node CROSS JOIN tasks INDEXED BY tasks_past_below
WHERE fork = node.value AND until_event > :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
UNION ALL
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at
FROM json_each(:above) AS node CROSS JOIN tasks INDEXED BY tasks_past_above
WHERE fork = node.value AND from_event <= :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
ORDER BY task_id

-- name: list_all
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at FROM tasks INDEXED BY tasks_current
WHERE until_event = 9223372036854775807 AND from_event <= :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
UNION ALL
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at
FROM json_each(:below) AS node CROSS JOIN tasks INDEXED BY tasks_past_below
WHERE fork = node.value AND until_event > :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
UNION ALL
SELECT task_id, parent_task_id, channel, thread_id, kind, status, created_at, completed_at
FROM json_each(:above) AS node CROSS JOIN tasks INDEXED BY tasks_past_above
WHERE fork = node.value AND from_event <= :at
AND (:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)
ORDER BY task_id
