"""What tests of every level share: a hub as a process, free ports, waiting with a bound, tools that may be missing."""
