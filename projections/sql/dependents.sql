-- name: schema
-- Which tasks depend on a task, numbered from 1, so that they are found one by one when it is over. The key is
-- "<task>/<number>".
CREATE TABLE task_dependents (
    place TEXT NOT NULL,
    {version_columns},
    task_id INTEGER NOT NULL,
    dependent_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (place, from_event),
    {version_rules}
) STRICT;
CREATE INDEX task_dependents_of_task ON task_dependents (task_id, number);

-- name: find_last
SELECT number FROM task_dependents WHERE task_id = ? ORDER BY number DESC LIMIT 1

-- name: list
SELECT dependent_id FROM task_dependents WHERE task_id = :task_id AND from_event <= :at ORDER BY number
