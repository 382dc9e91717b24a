"""The hub over HTTP: one module a noun, each listing its routes as data.

    app         all routes of all nouns, as one application
    {sessions,channels,messages,inbox,threads,claims,locks,tasks,questions,wakes,search,digest,log,tokens,hub}
                the nouns; `leases` has what claims and locks share
    metrics     how the hub is doing, for Prometheus
    batch, sse  many messages in one request, and messages as a stream
    hints       what can be done about an error, in the words of each carrier
    http        the protocol below the nouns: connections, requests, responses, routes, security, errors, OpenAPI
    mcp         the same hub for MCP hosts
    hooks       the same hub for the hooks of coding agents
    dashboard   the same hub for people

A noun knows nothing of bytes, and `http` nothing of nouns.
"""
