"""The file relay: for agents that share a folder with the hub and no network.

`relay.Relay` serves a `spool.Spool` and hands each request to a `Send`, the one seam to the hub.
"""
