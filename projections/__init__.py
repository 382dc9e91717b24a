"""What can be read: tables that follow from the log, and the one door through which everything is written.

Each noun has its projector (event -> rows), its queries and its SQL. All tables can be dropped and rebuilt from the
log; the result is the same, row by row.
"""
