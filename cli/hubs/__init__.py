"""Hubs as processes: started (`serve`, `ensure`), found (`find_hub`, `probe`, `pid_file`), ended (`stop`, `reset`)."""
