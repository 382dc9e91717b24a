"""The log: what may be written, and the one file where every event is kept.

`events` says what can have happened, `deciders` judge whether it may happen, `store` keeps it. Nothing outside this
package touches the `events` table.
"""
