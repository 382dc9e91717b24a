-- name: allow_erasing
-- An event never changes, but for its texts: what is left then begins with the hash of what stood there, so the chain
-- stays whole (`arclog.erasure` tells how). Whoever changes anything else, be it the owner, is refused.
CREATE OR REPLACE FUNCTION arc.events_lose_texts_alone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mark CONSTANT bytea := '\xa6736861323536c420';
    recorded bytea := pg_catalog.sha256(OLD.data);
BEGIN
    IF substring(OLD.data FROM 2 FOR 9) = mark THEN
        recorded := substring(OLD.data FROM 11 FOR 32);
    END IF;
    IF (NEW.event_id, NEW.recorded_at, NEW.type, NEW.stream, NEW.actor, NEW.metadata, NEW.digest)
        IS DISTINCT FROM (OLD.event_id, OLD.recorded_at, OLD.type, OLD.stream, OLD.actor, OLD.metadata, OLD.digest)
        OR substring(NEW.data FROM 2 FOR 41) IS DISTINCT FROM mark || recorded
    THEN
        RAISE EXCEPTION 'events are immutable';
    END IF;
    RETURN NEW;
END $$

-- name: drop_trigger
DROP TRIGGER IF EXISTS events_are_never_changed ON arc.events

-- name: make_trigger
CREATE TRIGGER events_are_never_changed BEFORE DELETE OR TRUNCATE ON arc.events
    FOR EACH STATEMENT EXECUTE FUNCTION arc.events_are_immutable()

-- name: drop_erasing_trigger
DROP TRIGGER IF EXISTS events_lose_texts_alone ON arc.events

-- name: make_erasing_trigger
CREATE TRIGGER events_lose_texts_alone BEFORE UPDATE ON arc.events
    FOR EACH ROW EXECUTE FUNCTION arc.events_lose_texts_alone()

-- name: sample_nothing
-- ANALYZE would keep what some events say in its statistics, where nobody looks for it.
ALTER TABLE arc.events ALTER COLUMN data SET STATISTICS 0

-- name: count_scrubbed
-- The last erasure of which nothing is left on the server.
ALTER TABLE arc.log ADD COLUMN IF NOT EXISTS scrubbed_to bigint NOT NULL DEFAULT 0

-- name: make_erase
-- For hubs, which may not change events: puts in their places what an erasure left of some. Only what stands in such an
-- event of the log may be put there, so an erasure never goes without saying.
CREATE OR REPLACE FUNCTION arc.arc_erase(erasure bigint, ids bigint[], lefts bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    said bytea;
BEGIN
    SELECT data INTO said FROM arc.events WHERE event_id = erasure AND type = 'payload.erased';
    FOR place IN 1 .. coalesce(array_length(ids, 1), 0) LOOP
        IF said IS NULL OR position(lefts[place] IN said) = 0 THEN
            RAISE EXCEPTION 'event % does not say what it leaves of event %', erasure, ids[place];
        END IF;
        UPDATE arc.events SET data = lefts[place] WHERE event_id = ids[place] AND data <> lefts[place];
    END LOOP;
END $$

-- name: make_scrub
-- For hubs, which do not own the table: writes all of it again, since what an UPDATE leaves lies in the table's pages
-- even after VACUUM. Nobody appends meanwhile, nor waits for the table while he holds the log's lock. It takes an erasure
-- of the log, and each one once: so nobody has the table written again, nor erasures to come passed over, without one.
CREATE OR REPLACE FUNCTION arc.arc_scrub(erasure bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(71959550127975);
    IF NOT EXISTS (SELECT FROM arc.events WHERE event_id = erasure AND type = 'payload.erased') THEN
        RAISE EXCEPTION 'event % erases nothing', erasure;
    END IF;
    IF erasure <= (SELECT scrubbed_to FROM arc.log) THEN
        RETURN;
    END IF;
    ALTER TABLE arc.events ALTER COLUMN data TYPE bytea USING data || ''::bytea;
    UPDATE arc.log SET scrubbed_to = erasure;
END $$

-- name: close_erasing
REVOKE ALL ON FUNCTION arc.arc_erase, arc.arc_scrub FROM PUBLIC

-- name: grants
-- What a hub may do beside reading and appending.
SELECT format('GRANT EXECUTE ON FUNCTION arc.arc_erase, arc.arc_scrub TO %I', $1::text)

-- name: may_erase
-- Whether the log lets this role: one that a former version made has nothing for it.
SELECT bool_and(coalesce(has_function_privilege(to_regprocedure(name), 'EXECUTE'), false))
FROM (VALUES ('arc.arc_erase(bigint,bigint[],bytea[])'), ('arc.arc_scrub(bigint)')) AS needed (name)

-- name: erase
SELECT arc.arc_erase($1::bigint, $2::bigint[], $3::bytea[])

-- name: scrub
SELECT arc.arc_scrub($1::bigint)

-- name: find_scrubbed
SELECT scrubbed_to FROM arc.log

-- name: list_erasures
SELECT event_id, recorded_at, type, stream, actor, data, metadata, digest FROM arc.events
WHERE type = 'payload.erased' AND event_id > $1::bigint ORDER BY event_id
