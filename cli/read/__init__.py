"""The commands that read: what a hub has now, or had at any moment before, as tables or as JSON.

`views` is the table of what they ask for and show; `view` is how any of them is carried out.
"""
