-- name: erase_task
UPDATE tasks SET title = ?, options = ?, default_answer = NULL WHERE task_id = ?

-- name: erase_session
UPDATE sessions SET metadata = ? WHERE session_id = ?

-- name: erase_channel
UPDATE channels SET metadata = ? WHERE event_id = ?

-- name: erase_claim
UPDATE claims SET metadata = ? WHERE fencing_token = ?

-- name: erase_lock
UPDATE locks SET metadata = ? WHERE fencing_token = ?
