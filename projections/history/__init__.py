"""History: questions that only a log can answer, asked over connections that read.

What did an event change, who held this and who was refused, what changed between two moments, what could an agent see.
"""
