"""What can be read: tables that follow from the log, and the one door through which everything is written.

    {sessions,channels,messages,inbox,threads,claims,locks,tasks,questions}
                one module a noun: its projector (event -> rows), its queries; its SQL in `sql/`
    places, queue, standing_changes
                who waits for a claim or a lock: as rows, as of any event, and in the memory of a hub
    deadlocks   requests that were not let wait, since all would have waited for each other
    leases, lock_slots
                what the tables of claims and locks share, and where the rows of a lock stand
    erasing     what the tables lose with an event's texts; `marked`: messages in which something looks like a key
    message_pages
                what an agent, a channel or a thread is shown
    task_rows, task_leases, readiness
                the rows of tasks, who has the lease on one, and which can be done now
    event_streams, vouches, tokens, files, cursors, receipts, wakes
                events found from each entity that they concern; and of agents: which hub has them, what
                their names are bound to, what they wrote, how far they have read, what they acknowledged
    messages_in_full
                messages with all that they say, for tables without the log
    projector, live_writer, versions, intervals, moments, checkpoints, all_projectors
                what the nouns share: how rows are written, kept when they are replaced, and read as of any event
    budget, encoding, times, recent
                how answers look: their size, their JSON, their times
    hub         the door: `Hub.execute(command)`, and all reads and waits
    rebuilding  all tables made again from the log, and compared with what is there
    moving      logs and databases brought in from elsewhere
    history     questions that only a log can answer
    search      messages found by their words

Imports go from `hub`, `rebuilding`, `moving` and `history` to the tables, never back. All tables can be dropped and
rebuilt from the log; the result is the same, row by row.
"""
