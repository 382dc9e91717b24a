"""The core in a simulation that a seed decides: hubs, agents, disks and networks, in one thread and by one clock.

    run         plays a seed: hubs and agents come, live and go; then all is judged
    world       who moves next; time passes only when nobody can
    loop        the event loop of a process, and its threads
    machines    machines and processes; what takes the place of clocks, threads and chance in the hub's modules
    disk        writes that are torn, lost or reordered when the power fails; faults
    engine      a log elsewhere, behind a network
    cluster     the hubs of one log, killed and started again
    network     calls that are late or lost
    agents      what agents do
    chaos       what goes wrong
    calls       what was asked and told
    oracle      the log, folded in plain Python, says what may have been told

The modules that serve users run unchanged, from `Hub` down to SQLite. Only clocks, disks, networks, the log's engine,
threads and the system's chance are replaced.
"""
