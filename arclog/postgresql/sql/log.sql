-- name: make_schema
CREATE SCHEMA arc

-- name: make_events
-- Nothing here is read by anyone but hubs that catch up, so there is one index: the order itself.
CREATE TABLE arc.events (
    event_id    bigint PRIMARY KEY CONSTRAINT event_ids_begin_at_one CHECK (event_id >= 1),
    recorded_at bigint NOT NULL,
    type        text NOT NULL,
    stream      text NOT NULL,
    actor       text NOT NULL,
    data        bytea NOT NULL,
    metadata    bytea NOT NULL,
    digest      bytea NOT NULL CONSTRAINT digest_is_sha256 CHECK (length(digest) = 32)
)

-- name: make_log
-- One row, which says which log this is.
CREATE TABLE arc.log (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    log_id   text NOT NULL,
    origin   text NOT NULL,
    format   integer NOT NULL
)

-- name: make_refusal
CREATE FUNCTION arc.events_are_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are immutable';
END $$

-- name: make_now
-- The log's clock.
CREATE FUNCTION arc.arc_now() RETURNS bigint LANGUAGE sql AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$

-- name: make_begin
-- Takes the log's lock until the transaction ends, checks that the caller's copy is one of this log, and tells the time.
-- Whoever waits here is served in order. Each statement sees what was committed before it began, so what is read after
-- the lock was had is the log's end.
CREATE FUNCTION arc.arc_begin(after bigint, known bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(71959550127975);
    IF after > 0 THEN
        SELECT digest INTO found FROM arc.events WHERE event_id = after;
    ELSE
        found := decode(repeat('00', 32), 'hex');
    END IF;
    IF found IS DISTINCT FROM known THEN
        RAISE EXCEPTION 'event % is another one', after USING ERRCODE = 'AR001';
    END IF;
    RETURN arc.arc_now();
END $$

-- name: close_begin
REVOKE ALL ON FUNCTION arc.arc_begin, arc.arc_now FROM PUBLIC

-- name: lock_making
SELECT pg_advisory_xact_lock(71959550127976)

-- name: name_log
INSERT INTO arc.log (log_id, origin, format) VALUES ($1, $2, $3::integer)

-- name: is_made
SELECT to_regclass('arc.log') IS NOT NULL

-- name: find_log
SELECT log_id, origin, format FROM arc.log

-- name: find_role
SELECT 1 FROM pg_roles WHERE rolname = $1

-- name: grants
-- What a hub may do: read, and append.
SELECT format(what, $1::text) FROM (VALUES
    ('GRANT USAGE ON SCHEMA arc TO %I'),
    ('GRANT SELECT ON arc.log TO %I'),
    ('GRANT SELECT, INSERT ON arc.events TO %I'),
    ('GRANT EXECUTE ON FUNCTION arc.arc_begin, arc.arc_now TO %I')) AS granted (what)

-- name: begin
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE

-- name: hold
SELECT arc.arc_begin($1::bigint, $2::bytea)

-- name: read
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM arc.events
WHERE event_id > $1::bigint ORDER BY event_id LIMIT $2::bigint

-- name: append
INSERT INTO arc.events SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[],
    $6::bytea[], $7::bytea[], $8::bytea[])

-- name: tell
-- Word to the other hubs: up to this event, everything is in the log for good.
SELECT pg_notify('arc', $1::bigint::text)

-- name: find_digest
SELECT digest FROM arc.events WHERE event_id = $1::bigint

-- name: barrier
-- Something in the WAL, and a commit that waits for the disk, and for the standby if there is one, as the server is set:
-- what was committed before is there then too, whoever committed it.
SELECT set_config('synchronous_commit', $1::text, true), pg_logical_emit_message(true, 'arc', '')

-- name: find_head
SELECT event_id, recorded_at, digest FROM arc.events ORDER BY event_id DESC LIMIT 1

-- name: find_durability
-- What keeps events, as far as any role may see it.
SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
    current_setting('synchronous_standby_names'), current_setting('data_checksums'), current_setting('server_version'),
    (SELECT count(*) FROM pg_stat_replication)::text, current_setting('server_encoding'), pg_is_in_recovery()

-- name: find_backend
-- Who serves this connection; a pooler between gives another number than it told when the connection was made.
SELECT pg_backend_pid()::text

-- name: settle_session
-- Whatever the role, the database or the server have as their defaults, as far as this server knows it.
SELECT set_config(name, value, false) FROM (VALUES
    ('search_path', 'pg_catalog'),
    ('client_min_messages', 'warning'),
    ('statement_timeout', '0'),
    ('transaction_timeout', '0'),
    ('idle_session_timeout', '0'),
    ('lock_timeout', $1),
    ('idle_in_transaction_session_timeout', $2),
    ('tcp_keepalives_idle', '2'),
    ('tcp_keepalives_interval', '1'),
    ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '5000')
) AS wanted (name, value) JOIN pg_settings USING (name)

-- name: hurry
-- No commit of this session waits for anything, but those behind a barrier.
SELECT set_config('synchronous_commit', 'off', false)
