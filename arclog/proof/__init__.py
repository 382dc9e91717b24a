"""Proof: is a log what was written, and can somebody else check it?

`verify` walks the chain of digests, `keys` the index of idempotency keys; where something is wrong, `diagnosis` says
what, as `findings`. `export` writes a log that a third party can verify. `elsewhere` verifies a log that is not in a
file, `erasures` that nothing passes for an erasure, `copies` that erased texts lie nowhere, `anchors` what was kept
outside.
"""
