"""Arc for MCP hosts: one definition of the tools and resources, two roads to it.

`arc mcp` speaks MCP over its standard streams, on the official SDK (`stdio`); the hub itself speaks it over Streamable
HTTP at `/mcp` (`endpoint`), without the SDK. What a tool does is the same on both: it calls routes of the hub through a
`Port`, so an agent in an MCP host is one more client of the protocol, with no way around its rules.
"""
