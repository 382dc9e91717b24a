"""HTTP without nouns: how bytes become a request, a request becomes values, and an answer or an error becomes bytes.

    server, listening, signals
                the process's side: sockets, and an end that loses nothing
    protocol, flow, heads, patience, connection, exchange
                one connection, and each request on it with its answer
    security, gate
                who may call; `crowds` and `rates`: how much at once, and how often, from other machines
    routes      what each noun lists: changes, reads and specials; `paths`: the endpoints of one path
    bodies, queries, headers, parameters, idempotency, as_of
                what a request says, read strictly; `meaning`: what a client meant that writes it otherwise,
                `mismatches`: what it is told is wrong
    responses, lists, errors, openapi
                what is answered, and how it is described
    inprocess, direct_calls
                calls from the hub's own process: the relay's with bytes, MCP's without

A request passes `security.Guard`, then `errors.Envelopes`, then one of the routes; whatever goes wrong on the way ends
as an envelope with the status that `errors.STATUS_OF` has for it.
"""
