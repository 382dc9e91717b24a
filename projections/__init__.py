"""What can be read: tables that follow from the log, and the one door through which everything is written.

    {sessions,channels,messages,inbox,threads,claims,locks,tasks}
                one module a noun: its projector (event -> rows), its queries; its SQL in `sql/`
    projector, live_writer, versions, intervals, moments, checkpoints
                what the nouns share: how rows are written, kept when they are replaced, and read as of any event
    hub         the door: `Hub.execute(command)`, the recorder, group commit, waiting, presence
    rebuilding  all tables made again from the log, and compared with what is there
    moving      logs and databases brought in from elsewhere
    history     questions that only a log can answer

Imports go from `hub`, `rebuilding`, `moving` and `history` to the tables, never back. All tables can be dropped and
rebuilt from the log; the result is the same, row by row.
"""
