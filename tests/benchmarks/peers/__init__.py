"""Peers: other software that keeps messages or events, beside Arc in the lines that both have.

    senders     one sender or several, over raw sockets or in a process that has a library: how many writes a second
    servers     Arc, PostgreSQL, Redis Streams and NATS JetStream: how each is started, greeted and written to
    libraries   the eventsourcing library and synapse-channel's event store, in an environment of their own
    flushes     how often a process flushes the disk, as strace counts it

All of them write one short message at a time to the same disk, and answer when it is flushed; where one does not flush
every time, the count says so. What a machine lacks is left out, by name.
"""
