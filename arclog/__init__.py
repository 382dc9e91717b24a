"""The log: what may be written, and how every event is kept.

    events      what can have happened: one frozen Struct a fact
    deciders    the rules: may it happen? no I/O, no clock
    sender, streams, notices, rules
                who asks, which entities an event concerns, what the hub says with it, which rules it needs
    paths, patterns, overlaps, path_tree
                one key for one file, what a pattern covers, and which of many meet
    list_cursors
                what a list goes on after
    codec, digest, clock, keys, upcasters, errors, limits
                how an event becomes bytes, how the chain is made, what time it is; none of them does I/O on a storage
    machine_time, windows_time, inotify, progress
                what the machine tells, and what is told of a long walk
    engine      the seam: what a hub may rely on, whatever keeps the log
    sqlite      the log in a SQLite file; nothing outside it and the tables speaks SQL
    postgresql  the log on a server, for hubs on several machines
    erasure     what is left of an event whose texts are taken out
    proof       whether a log is what was written: verify, diagnose, export

Nothing outside this package touches the `events` table.
"""
