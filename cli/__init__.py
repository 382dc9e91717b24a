"""The command `arc`: it wires the hub, and speaks to hubs that run.

Agents start this command thousands of times, so a module of it imports what it needs when it needs it: `arc whoami`
loads neither the hub nor anything that is not in the standard library.

    main, dispatch, commands, arguments, options, help, completion
                        which command it is, and what it takes; `commands` lists them as data
    hubs, clone         hubs as processes: started, found and ended
    one module a command; folders for groups: `read`, `log`, `task`, `leases`, `tokens`, `setup`, `doctor`, `waking`,
                        `bench`
    output, tables, progress, errors, paths
                        what is printed, and what is said when it fails
    http_port           the way from `arc mcp` to a hub
"""
