-- The tables of Arc 0.1.1, which kept only what is so now.

-- name: list_tables
SELECT name FROM sqlite_schema WHERE type = 'table'

-- name: find_last_id
-- The last id that was ever given out.
SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'messages'

-- name: count_messages
SELECT count(*) FROM messages

-- name: list_channels
SELECT name, created_at, created_by, metadata_json FROM channels ORDER BY created_at, rowid

-- name: list_messages
-- With the parent of the task that the message opened.
SELECT m.id, m.ts, m.from_agent, m.to_agent, m.channel, m.kind, m.body, m.attachments_json, m.reply_to, m.thread_id,
    m.metadata_json, t.parent_task_id
FROM messages m LEFT JOIN tasks t ON t.task_id = m.id ORDER BY m.id

-- name: list_sessions
SELECT session_id, agent_id, display_name, capabilities_json, metadata_json, created_at, last_seen, active FROM sessions
ORDER BY created_at, rowid

-- name: list_claims
SELECT claim_key, thread_id, task_message_id, owner_agent_id, claimed_at, expires_at, released_at, metadata_json
FROM claims ORDER BY claimed_at, rowid

-- name: list_locks
SELECT file_path, agent_id, locked_at, expires_at, released_at, metadata_json FROM locks ORDER BY locked_at, rowid

-- name: list_done_tasks
SELECT t.task_id, t.thread_id, t.completed_at FROM tasks t JOIN messages m ON m.id = t.task_id
WHERE t.status = 'done' ORDER BY t.completed_at, t.task_id
