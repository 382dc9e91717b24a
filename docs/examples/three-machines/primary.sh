#!/bin/bash
# Runs once, when the primary's data folder is made: the roles of the hubs and of the standby.
set -eu
psql -v ON_ERROR_STOP=1 -v hub="$HUB_PASSWORD" -v owner="$POSTGRES_PASSWORD" -U arc_owner -d arc <<'SQL'
-- Making these waits for no standby: there is none yet.
SET synchronous_commit = local;
CREATE ROLE arc_hub LOGIN PASSWORD :'hub';
CREATE ROLE arc_standby LOGIN REPLICATION PASSWORD :'owner';
SQL
echo "host replication arc_standby all scram-sha-256" >> "$PGDATA/pg_hba.conf"
