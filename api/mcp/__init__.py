"""Arc for MCP hosts: one definition of the tools and resources, one conversation, two carriers.

`conversation` knows what each message is answered with, and does no I/O. `over_stdio` carries it over the standard
streams of `arc mcp`, `over_http` over Streamable HTTP on the hub itself, at `/mcp`. What a tool does is the same on
both: it calls routes of the hub through a `Port`, so an agent in an MCP host is one more client of the protocol, with
no way around its rules.
"""
