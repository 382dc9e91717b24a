"""Proof: is a log what was written, and can somebody else check it?

`verify` walks the chain of digests, `keys` the index of idempotency keys; where something is wrong, `diagnosis` says
what, as `findings`. `export` writes a log that a third party can verify.
"""
