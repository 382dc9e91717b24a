"""The file relay: for agents that share a folder with the hub and no network.

    relay         `Relay`, on a thread of its own
    life          the file that shows that the spool is served
    scanner       finds requests in the spool: told by `notifications`, or by looking
    courier       carries one agent's requests to the hub, in their order, and brings the answers back
    agent_folder  one agent's two folders; `spool`, `folders` (`folders_on_windows`) and `files`
                  touch what lies there
    envelope      a request and a response as text, without I/O; `identity` says who may ask for what, and
                  `session_owner` whose session a request closes
    hook_calls    a harness's hook, which is carried once or refused
    cursors       reads that go on from a cursor, which moves when the response lies there
    pace          how long it waits for what
    remote        a `Send` over HTTP, for `arc relay`; `hub_answers` reads what comes back
    erasing       texts that were erased go from the spool too

The one seam to the hub is a `Send` (`send`): a function from a call to its answer.
"""
