"""Rebuilding: every table made again from the log, at a new version of a projection or to prove that live = replay.

`rebuild` makes tables, through a `rebuild_writer`; `replay` makes all of them beside the live ones, and `differences`
says where the two part. `verification` proves a whole storage, `table_check` does that beside a hub at
leisure, and `repair` replaces tables that do not follow from the log.
"""
