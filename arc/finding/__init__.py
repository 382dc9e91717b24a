"""Which hub, and which storage, a folder means: one answer for the command, the client, MCP and hooks.

    repository    the git repository that a folder belongs to, and its main working tree
    storage       the storage that a folder means, running or not, and where a new one lies
    notes         `.arc.pid`: what a running hub leaves beside its storage
    tokens        the token that a hub wants of calls from other machines
    kept_options  the port and the options that belong to a storage, for its next start
    probe         asking an address what listens there
    listeners     whether a process is what listens on a port
    processes     whether a process stands still
    sign_of_life  whether a relay serves a spool
    relays        the relay's folder that a folder means
    sandboxes     whether this process is in a sandbox
    which_hub     the answer: what was named, the environment, the folder's hub, the usual port

Only the standard library, and of that only what loads in no time: each `arc post` asks.
"""
