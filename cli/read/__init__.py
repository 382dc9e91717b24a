"""The commands that read: what a hub has now, or had at any moment before, as tables or as JSON."""
