"""The dashboard: what the agents are doing, now and at any event, and a hand to step in with.

    files       the page and its modules (`www/`), served as they are under a strict content security policy
    sign_in     the page that takes the hub's token from a person
    attention   what needs a person, found by the hub

The page is a client like any other: it reads, follows the log and acts by the protocol alone. Its modules have the
names of the nouns; what they share is `dom`, `stream`, `time`, `world` (all rows at one moment) and `panel`.
"""
