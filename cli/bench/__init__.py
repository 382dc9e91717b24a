"""`arc bench`: what this machine and its disk can do."""
