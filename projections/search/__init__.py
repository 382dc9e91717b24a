"""Search: finding what was said by its words.

    words       texts and questions as the index has them; no I/O
    index       the index: one file beside the storage, which can be dropped and made again at any time
    filler      keeps the index up to date while the hub is idle, and at the latest when somebody asks
    query       a question, and the messages that answer it

The index follows from the log like every table, but nothing waits for it: a post is answered before anybody looks at
its words. So it has a file, a thread and a writer of its own, and is thrown away when in doubt.
"""
