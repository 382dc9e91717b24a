"""The command `arc`: it wires the hub, and speaks to hubs that run.

Agents start this command thousands of times, so a module of it imports what it needs when it needs it: `arc whoami`
loads neither the hub nor anything that is not in the standard library.
"""
