#!/bin/bash
# Runs once, when the primary's data folder is made: the roles of the hubs and of the standby.
set -eu
psql -v ON_ERROR_STOP=1 -v hub="$HUB_PASSWORD" -v owner="$POSTGRES_PASSWORD" -U arc_owner -d arc <<'SQL'
CREATE ROLE arc_hub LOGIN PASSWORD :'hub';
CREATE ROLE arc_standby LOGIN REPLICATION PASSWORD :'owner';
-- From its next start on, which is the first that others see, each commit waits for the standby. Not before: there is none
-- yet, and what the image still has to make would wait for ever.
ALTER SYSTEM SET synchronous_standby_names = 'standby';
-- Here rather than on the command line, so that the standby copies it: it must not have less.
ALTER SYSTEM SET max_connections = 200;
SQL
echo "host replication arc_standby all scram-sha-256" >> "$PGDATA/pg_hba.conf"
