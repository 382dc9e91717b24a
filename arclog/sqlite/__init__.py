"""The log on SQLite: everything in the log that speaks SQL.

`connection` opens a file safely, `schema` says what is in it. `log` is a hub's copy of the log, to which it appends;
`reads` is what can be read from it, by `readers` or in a `snapshot`. `engine` makes that file the log itself; `changes`
notices what is committed to it; `wal` keeps the write-ahead log short. `new_file`, `backup` and `removal` make, copy
and delete whole storages; `copies` says whose log a storage is a copy of, `erasing` takes texts out of it,
and `salts` makes the random bytes without which an erased text could be guessed.

`opened` is a storage that one step after the other reads; `queries` is SQL by name, `statistics` counts. `in_place`
notices when files are taken away (`open_wal` holds the WAL meanwhile), `rescue` saves what can be, and `holders` keeps
a second hub from starting on half a storage.
"""
