"""The rules: `decide(state, command, now)` gives the event that happens, None when there is nothing to do, or refuses.

No I/O, no clock, no randomness: what a rule needs to know is its `state`, loaded by the caller inside the transaction
that will append the event; times are microseconds of the log's clock; new ids come with the state.
"""
