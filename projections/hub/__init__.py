"""The hub: the one door through which everything is written, and everything that waits behind it.

hub               `Hub`: execute a command, read, wait, stop
group_commit      the queue: which calls share a transaction
flush_policy      where a transaction is flushed
recorder          the one writer: begin, stage, flush, undo
transaction       one transaction while it is written: judge each call, append its event, project it
doubt             a batch of which nobody can say yet whether the log kept it
writing_side      the writing connection, opened again after a fault of the disk
command_handlers  loads the state that a rule needs and asks the rule
answers           what a caller is told of an event
presence, waiting, other_hubs, log_feed, shutdown_timer, first_start, inspection
"""
