"""The log on PostgreSQL: one table of events, which hubs on many machines append to in turns.

Nothing here is imported unless a log on PostgreSQL is asked for, so that nobody else needs its driver.

    opening     the only module that others import: it says what is missing where the driver is
    address     where the log is, without secrets
    line        one connection: several statements in one round trip, and what became of them
    session     what each connection is set to before it is used, and what is refused
    failures    what the server's errors mean for the log
    batch       events as parameters, and rows as events; `sent_batch`: how far one that was sent must come
    schema      the log is made, once, and hubs are let in
    erasing     what was erased leaves the server too
    durability  what keeps the events, and what is not good enough
    engine      the engine: lock and what came since in one round trip, batch and commit in another
    bell        word from other hubs that they have appended something
"""
