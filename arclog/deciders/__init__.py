"""The rules: `decide(state, command, now)` gives the event that happens, None when there is nothing to do, or refuses.

No I/O, no clock, no randomness: what a rule needs to know is its `state`, loaded by the caller inside the transaction
that will append the event; times are microseconds of the log's clock; new ids come with the state.

    sessions, presence, expiry, families, names, tokens
                who is there, who counts as gone, who works for whom, and who may use which name
    channels, messages, receipts, cursors
                what is said, acknowledged and read
    leases      the one protocol of claims and locks: `holdings` and `lines` are what `standing` is made of, who holds
                what and who waits; `waits` is who waits for whom, `circles` who may at all, `positions` how far from
                the front; `fencing`, `handover` and `taking_away` what is done with what is held
    claims, locks, held_locks
                the two nouns of leases
    tasks, task_terms, task_batches, picking, questions
                work: what is to be done, in which order, and what only a person answers
    wakes, files, hub
                agents that are called, files that hooks guard, and a hub's own life
    fields, secrets, preconditions
                what values may be, which of them are keys that nobody should read, and what a caller relies on
"""
