"""Arc for MCP hosts: one definition of the tools and resources, one conversation, two carriers.

`conversation` knows what each message is answered with, and does no I/O. `over_stdio` carries it over the standard
streams of `arc mcp`, `over_http` over Streamable HTTP on the hub itself, at `/mcp`. What a tool does is the same on
both: it calls routes of the hub through a `Port`, so an agent in an MCP host is one more client of the protocol, with
no way around its rules.

    over_stdio, over_http   the carriers; `lines` reads the one, `agents` finds who speaks over the other
    conversation            what each message is answered with; `jsonrpc` has its form, `revisions` the two eras of MCP
    methods, tool, tools/, resources, arguments, answers
                            what can be asked, and how it is answered
    agent_session           an agent's name, registration and places; `asking_agent` is it within one request,
                            `host_session` that of the host that it works in
    poll_places, kept_places
                            how far its polls have read; `beginnings`: where they begin that nothing is known of
    grants, held_leases     what it got after a wait, and what it still has
    port, direct_port, daemon
                            the way to the hub: a seam, from inside the hub, and threads for the way over HTTP
"""
