"""The commands of `arc log`: they read the log of a stopped hub, or beside a running one without holding it up."""
