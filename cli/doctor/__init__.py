"""`arc doctor`: whether everything works, from outside, by trying it.

command      which checks are made, and how they are told
surroundings the hub, its storage, disk, clock and version, and the roads to it
guards       the hooks of each harness that is set up: called as the harness calls them
"""
