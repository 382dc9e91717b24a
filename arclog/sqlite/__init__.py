"""The log on SQLite: everything in the log that speaks SQL.

`connection` opens a file safely, `schema` says what is in it, `log` appends and reads, `wal` keeps the write-ahead log
short. `new_file`, `backup` and `removal` make, copy and delete whole storages.
"""
