"""The hub over HTTP: one module a noun, each listing its routes as data.

app         all routes of all nouns, as one application
http        the protocol below them: server, requests, responses, routes, security, errors, OpenAPI
mcp         the same hub for MCP hosts
sse, batch, page
streams, many messages in one request, the hub's own page
"""
