-- part: wanted
(:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR status = :status)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)

-- name: schema
CREATE TABLE tasks (
    task_id INTEGER NOT NULL,
    {version_columns},
    parent_task_id INTEGER,
    channel TEXT NOT NULL,
    thread_id TEXT,
    kind TEXT NOT NULL CONSTRAINT kind_opens_tasks CHECK (kind IN ('task', 'task_request')),
    status TEXT NOT NULL CONSTRAINT status_is_known CHECK (status IN ('open', 'done')),
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (task_id, from_event),
    {version_rules},
    CONSTRAINT done_has_a_time CHECK ((status = 'done') = (completed_at IS NOT NULL))
) STRICT;

-- name: indexes
{current_index};
CREATE INDEX tasks_open ON tasks (task_id) WHERE {is_current} AND status = 'open';
CREATE INDEX tasks_by_parent ON tasks (parent_task_id, status) WHERE parent_task_id IS NOT NULL AND {is_current};
CREATE INDEX tasks_by_thread ON tasks (thread_id, task_id) WHERE thread_id IS NOT NULL;
{past_indexes};

-- name: find_event
-- The event that made the current version.
SELECT from_event FROM tasks WHERE task_id = ? ORDER BY from_event DESC LIMIT 1

-- name: find_open_sibling
SELECT 1 FROM tasks
WHERE parent_task_id = :parent_task_id AND {is_current} AND status = 'open' AND task_id <> :task_id LIMIT 1

-- name: count_children
SELECT count(*) FROM tasks WHERE parent_task_id = ? AND {is_current}

-- name: list_in_thread
-- The versions of one thread's tasks are few enough to look through.
SELECT {columns} FROM tasks WHERE thread_id = :thread_id AND from_event <= :at AND until_event > :at AND {wanted}
ORDER BY task_id

-- name: list_children
-- Of the current versions, the index on parents finds a task's children; the past is searched as everywhere.
SELECT {columns} FROM {at} WHERE parent_task_id = :parent_id AND {wanted} ORDER BY task_id

-- name: list_open
SELECT {columns} FROM {at} WHERE status = 'open' AND {wanted} ORDER BY task_id

-- name: list_open_requests
SELECT {columns} FROM {at} WHERE status = 'open' AND kind = 'task_request' ORDER BY task_id LIMIT :most

-- name: list_all
-- Sorted, since in the order of the table all its past versions would be read too.
SELECT {columns} FROM {at} WHERE {wanted} ORDER BY +task_id
