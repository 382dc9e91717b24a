"""`arc token`: bind agents' names to tokens."""
