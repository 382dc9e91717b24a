"""The hub: the one door to a storage, through which everything is written, read and waited for.

    hub               `Hub`: start, execute a command, read, stop
    settings, tuning  how a hub is run; how long it waits, and how much it does at once
    roots             the folders that paths are relative to
    identity          whether a call is from whom it says; `preconditions`: whether all holds that it relies on
    first_start       what a hub does on its storage before anything else
    beginning         the start is recorded, at once or when the log is back
    ending            the countdown to a shutdown, and who is told that it has fired

Writing, in the order in which a call goes:

    submission        a caller submits its call and waits for the outcome
    calls             a call, and the commit that tells it its outcome
    group_commit      the queue: which calls share a transaction
    flush_policy      where a transaction is flushed
    idling            what a hub does while no batch is on its way
    recorder          the one writer: what becomes of a batch, whatever goes wrong
    staging           a batch before it is flushed: the log's lock, the tables, the memory, and how it is undone
    transaction       one transaction while it is written: judge each call, append its event, project it
    command_handlers  loads the state that a rule needs and asks the rule: `message_handlers`, `lease_handlers`
                      (claims and locks), `file_handlers`, `wake_handlers`
    context           what calls are judged against, apart from the tables
    answers           what a caller is told of an event; `lease_answers` for claims and locks
    outcomes          what an accepted call led to
    writing_side      the writing connection, opened again after a fault of the disk
    following         what other hubs appended to a log elsewhere comes into this hub's copy of it
    doubt             a batch of which nobody can say yet whether the log kept it

Claims and locks, beyond one call:

    lease_memory      who holds what and who waits, as far as the log has been followed
    lease_settling    what follows from time and from other events, before and after the calls of a batch
    lease_waits       calls that wait for a place; `open_calls` has them by their places
    orphans           places whose hub is dead
    lease_reads       what would refuse me, and is this token the current one?

Tasks, beyond one call:

    task_handlers     what each rule needs to know is read; `task_answers` tells what came of it
    task_waits        calls that wait for the next task
    task_clock        what time does to tasks; `wake_clock` to agents that are called

Reading, and what goes by time:

    reading_side      what is read where: pages of messages, search, and waiting for more
    arrivals          what a commit means to those who did not ask for it
    waiting           who waits, woken by the commit
    log_feed          the events after a cursor; `cursors` keeps those that the hub remembers
    other_hubs        what other hubs append is told to those who wait here
    attendance        agents that read, wait or run a tool are noticed
    presence          who is there; `processes` for those that run on this machine
    clocks            when to look for what is due though nobody calls
    clockwork         what is due by the log's clock: sessions, and what they held
    inspections       the log and the tables, checked in the background: `inspection`, `table_inspection`
    measures          how long things take, for those who watch
    erasing           no copy of what was erased stays within the hub's reach
    alarms            who is told of damage and of a storage that fails
"""
