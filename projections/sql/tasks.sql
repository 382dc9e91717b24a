-- part: wanted
(:parent_id IS NULL OR parent_task_id = :parent_id) AND (:status IS NULL OR (state = 'open') = (:status = 'open'))
AND (:state IS NULL OR state = :state)
AND (:channel IS NULL OR channel = :channel) AND (:thread_id IS NULL OR thread_id = :thread_id)

-- part: is_free
-- What keeps a task from being ready by itself; its ancestors, its lease and its time are looked at one by one.
{is_current} AND state = 'open' AND open_children = 0 AND open_dependencies = 0

-- name: schema
CREATE TABLE tasks (
    task_id INTEGER NOT NULL,
    {version_columns},
    parent_task_id INTEGER,
    channel TEXT NOT NULL,
    thread_id TEXT,
    kind TEXT NOT NULL CONSTRAINT kind_opens_tasks CHECK (kind IN ('task', 'task_request')),
    state TEXT NOT NULL CONSTRAINT state_is_known CHECK (state IN ('open', 'done', 'failed', 'cancelled')),
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    ended_by INTEGER,
    opener TEXT NOT NULL,
    assignee TEXT,
    priority INTEGER NOT NULL,
    not_before INTEGER,
    max_attempts INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    claimed_by TEXT,
    claimed_until INTEGER,
    claim_token INTEGER,
    is_counted INTEGER NOT NULL CONSTRAINT is_counted_is_a_flag CHECK (is_counted IN (0, 1)),
    open_children INTEGER NOT NULL,
    open_dependencies INTEGER NOT NULL,
    ready_since INTEGER NOT NULL,
    deadline INTEGER,
    default_answer TEXT,
    is_question INTEGER NOT NULL CONSTRAINT is_question_is_a_flag CHECK (is_question IN (0, 1)),
    title TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    needs TEXT NOT NULL,
    options TEXT NOT NULL,
    PRIMARY KEY (task_id, from_event),
    {version_rules},
    CONSTRAINT what_is_over_has_a_time CHECK ((state = 'open') = (completed_at IS NULL)),
    CONSTRAINT what_is_over_has_an_event CHECK ((state = 'open') = (ended_by IS NULL)),
    CONSTRAINT a_lease_is_whole CHECK ((claimed_by IS NULL) = (claim_token IS NULL))
) STRICT;

-- name: indexes
{current_index};
CREATE INDEX tasks_open ON tasks (task_id) WHERE {is_current} AND state = 'open';
CREATE INDEX tasks_by_parent ON tasks (parent_task_id, state) WHERE parent_task_id IS NOT NULL AND {is_current};
CREATE INDEX tasks_by_thread ON tasks (thread_id, task_id) WHERE thread_id IS NOT NULL;
CREATE INDEX tasks_failed ON tasks (ended_by) WHERE {is_current} AND state = 'failed';
CREATE INDEX tasks_failed_of ON tasks (opener, ended_by) WHERE {is_current} AND state = 'failed';
CREATE INDEX tasks_of_holder ON tasks (claimed_by, task_id) WHERE {is_current} AND state = 'open' AND claimed_by IS NOT NULL;
CREATE INDEX tasks_free ON tasks (priority, task_id) WHERE {is_free};
CREATE INDEX tasks_free_since ON tasks (ready_since, task_id) WHERE {is_free};
CREATE INDEX tasks_leased ON tasks (claimed_until) WHERE {is_current} AND state = 'open' AND claimed_by IS NOT NULL;
CREATE INDEX tasks_questions ON tasks (task_id) WHERE {is_current} AND is_question = 1;
CREATE INDEX tasks_asked ON tasks (task_id) WHERE {is_current} AND state = 'open' AND is_question = 1;
CREATE INDEX tasks_asked_by ON tasks (opener, ended_by) WHERE {is_current} AND is_question = 1;
CREATE INDEX tasks_deadlines ON tasks (deadline) WHERE {is_current} AND state = 'open' AND deadline IS NOT NULL;
CREATE INDEX tasks_exhausted ON tasks (task_id) WHERE {is_current} AND state = 'open' AND attempts >= max_attempts;
{past_indexes};

-- name: find_event
-- The event that made the current version.
SELECT from_event FROM tasks WHERE task_id = ? ORDER BY from_event DESC LIMIT 1

-- name: find_hindering_sibling
-- A child that keeps its parent from being done with another one: it is open, or it has failed.
SELECT 1 FROM tasks
WHERE parent_task_id = :parent_task_id AND {is_current} AND state IN ('open', 'failed') AND task_id <> :task_id LIMIT 1

-- name: list_open_children
SELECT task_id FROM tasks WHERE parent_task_id = ? AND {is_current} AND state = 'open'

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
SELECT {columns} FROM {at} WHERE state = 'open' AND {wanted} ORDER BY task_id

-- name: list_open_requests
SELECT {columns} FROM {at} WHERE state = 'open' AND kind = 'task_request' ORDER BY task_id LIMIT :most

-- name: list_open_questions
SELECT {columns} FROM {at} WHERE is_question = 1 AND state = 'open' AND (:opener IS NULL OR opener = :opener)
ORDER BY task_id

-- name: list_questions
SELECT {columns} FROM {at} WHERE is_question = 1 AND (:opener IS NULL OR opener = :opener) ORDER BY task_id

-- name: list_ended_questions
-- What became of an agent's own questions after an event.
SELECT {columns} FROM tasks INDEXED BY tasks_asked_by
WHERE {is_current} AND is_question = 1 AND opener = :opener AND ended_by > :since ORDER BY ended_by LIMIT :most

-- name: list_failed
-- What has failed and was not opened again, the longest ago first.
SELECT {columns} FROM tasks INDEXED BY tasks_failed
WHERE {is_current} AND state = 'failed' ORDER BY ended_by LIMIT :most

-- name: list_failed_at
-- The same at a moment.
SELECT {columns} FROM {at} WHERE state = 'failed' ORDER BY ended_by LIMIT :most

-- name: list_failed_of
-- What has failed of an agent's own after an event.
SELECT {columns} FROM tasks INDEXED BY tasks_failed_of
WHERE {is_current} AND state = 'failed' AND opener = :opener AND ended_by > :since ORDER BY ended_by LIMIT :most

-- name: list_held
SELECT {columns} FROM {at} WHERE state = 'open' AND claimed_by = :agent_id AND claimed_until >= :now ORDER BY task_id
LIMIT :most

-- name: list_all
-- Sorted, since in the order of the table all its past versions would be read too.
SELECT {columns} FROM {at} WHERE {wanted} ORDER BY +task_id

-- name: list_free
-- What may be ready, in the order in which it is done.
SELECT {columns} FROM tasks INDEXED BY tasks_free
WHERE {is_free} ORDER BY priority, task_id

-- name: list_long_free
-- What may be ready and has been for long, the longest first.
SELECT {columns} FROM tasks INDEXED BY tasks_free_since
WHERE {is_free} AND ready_since <= :since ORDER BY ready_since, task_id

-- name: find_next_time
-- When a task may become ready by time alone: its time comes, or the lease on it lapses.
SELECT min(
    coalesce((SELECT min(ready_since) FROM tasks WHERE {is_free} AND ready_since > :now), :never),
    coalesce((SELECT min(claimed_until) FROM tasks
        WHERE {is_current} AND state = 'open' AND claimed_by IS NOT NULL AND claimed_until >= :now), :never))

-- name: list_lapsed
-- Leases that the hub gave with a task, and that have lapsed.
SELECT {columns} FROM tasks
WHERE {is_current} AND state = 'open' AND claimed_by IS NOT NULL AND claimed_until < :now AND is_counted = 1
ORDER BY claimed_until, task_id

-- name: list_exhausted
SELECT {columns} FROM tasks WHERE {is_current} AND state = 'open' AND attempts >= max_attempts ORDER BY task_id

-- name: list_unanswered
SELECT {columns} FROM tasks
WHERE {is_current} AND state = 'open' AND deadline IS NOT NULL AND deadline <= :now ORDER BY deadline, task_id

-- name: find_next_due
-- When the clockwork has something to do with tasks: a lease lapses that counts, or a question's time is over.
SELECT min(
    coalesce((SELECT min(claimed_until) + 1 FROM tasks
        WHERE {is_current} AND state = 'open' AND claimed_by IS NOT NULL AND is_counted = 1), :never),
    coalesce((SELECT min(deadline) FROM tasks
        WHERE {is_current} AND state = 'open' AND deadline IS NOT NULL), :never),
    coalesce((SELECT min(0) FROM tasks
        WHERE {is_current} AND state = 'open' AND attempts >= max_attempts), :never))
