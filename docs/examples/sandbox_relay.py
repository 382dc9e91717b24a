"""Sandbox: an agent without a network talks through files with one that has it.

Run it in the folder of the hub, where its relay keeps `.arc-relay`.

    arc ensure
    python sandbox_relay.py

prints

    outside hears boxed: hello from the sandbox
    boxed hears outside: hello from the network
    boxed holds src/parser.py
"""

from arc import ArcClient

with ArcClient.quickstart("outside") as outside, ArcClient.over_relay("boxed", spool_dir=".arc-relay") as boxed:
    boxed.register()
    boxed.bootstrap()
    boxed.post("general", "hello from the sandbox")
    for message in outside.poll(timeout=5):
        print(f"outside hears {message['from_agent']}: {message['body']}")
    outside.dm("boxed", "hello from the network")
    for message in boxed.poll(timeout=5):
        print(f"boxed hears {message['from_agent']}: {message['body']}")
    lock = boxed.lock("src/parser.py", ttl_sec=60)
    print(f"{lock['agent_id']} holds {lock['file_path']}")
    if lock["agent_id"] == "boxed":  # else this is the holder's lease
        boxed.unlock("src/parser.py")
