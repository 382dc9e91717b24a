"""The commands that ask for claims and locks: lock, unlock, claim, release, refresh, with."""
