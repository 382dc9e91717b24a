"""Rebuilding: every table made again from the log, at a new version of a projection or to prove that live = replay."""
