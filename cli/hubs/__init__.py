"""Hubs as processes: how they are started, found and ended.

    serve, wiring   a hub in the foreground: socket, storage, application, relay and note
    ensure          one in the background, unless it runs (`detached`)
    settings        how it will be run; `network_token` and `certificate` for calls from other machines
    output          what it says of itself, a line for each thing that happens to it
    find_hub        the hub of a storage, surely; `which_storage` says which storage is meant
    stop, reset     its end (`telling_to_end`, `process_state`, `bus_error`), and that of its storage
    storage_lock, filesystems, mounts, git_exclude, addresses
                    where the storage lies, and who may use it

What a hub does once it is up is the business of `projections.hub`.
"""
