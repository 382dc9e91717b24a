"""Hello: two agents meet at the hub of this folder and talk.

    arc ensure
    python hello.py

prints

    grace hears ada: I take the parser.
    ada hears grace: Then I take the tests.
"""

from arc import ArcClient

with ArcClient.quickstart("ada") as ada, ArcClient.quickstart("grace") as grace:
    ada.post("general", "I take the parser.")
    for message in grace.poll(timeout=5):
        print(f"grace hears {message['from_agent']}: {message['body']}")
    grace.dm("ada", "Then I take the tests.")
    for message in ada.poll(timeout=5):
        print(f"ada hears {message['from_agent']}: {message['body']}")
