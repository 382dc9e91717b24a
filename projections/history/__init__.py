"""History: questions that only a log can answer. They are asked over any connection, and only read.

`events` shows the events of a log, `entities` the things that they change, `changes` what one event changed. `blame`
tells who held what and who was refused, from `tenures` (`touched_tasks` for tasks). `diff`, `digest` and `seen` tell
what changed between two moments, what an agent that was away missed, and what it could see. `attention` lists what
needs a person, `standstills` what others wait for and nobody gives up, `hubs` which hubs run on a log.
"""
