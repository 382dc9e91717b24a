#!/bin/bash
# A copy of the primary the first time; from then on it follows, under the name that the primary waits for.
set -eu
data=/var/lib/postgresql/data/pgdata
export PGPASSWORD=$POSTGRES_PASSWORD
if [ ! -s "$data/PG_VERSION" ]; then
  until pg_basebackup -h primary -U arc_standby -D "$data" -c fast -X stream; do sleep 1; done
fi
touch "$data/standby.signal"
exec postgres -D "$data" -c hot_standby=on -c synchronous_standby_names= \
  -c "primary_conninfo=host=primary user=arc_standby password=$PGPASSWORD application_name=standby"
