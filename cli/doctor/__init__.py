"""`arc doctor`: whether everything works, from outside, by trying it.

command      which checks are made, how they are told, and how mended
leftovers    notes of hubs that are gone, and what git sees of a hub
surroundings the hub, its storage, disk, clock and version, and the roads to it
entries      whether what setup wrote is still there
guards       the hooks of each harness that is set up: called as the harness calls them
hook_files   which hooks a file names, and whether they can work
windows      windows that do not exist, for that
stand_in     the process of such a window
trust        whether a harness runs the hooks that it is given
results      what a check found
"""
