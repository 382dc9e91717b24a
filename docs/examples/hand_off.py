"""Hand-off with memory: an agent that must stop gives its work to another, who reads what was found so far and goes on.

The claim changes hands in one event, so at no moment is it free for a third one.

    arc ensure
    python hand_off.py

prints

    grace takes over: fix-login, for ada
    grace reads: The token is compared before it is trimmed.
    grace reads: The test that shows it: test_login.py::test_blank
    done by grace
"""

from arc import ArcClient

with ArcClient.quickstart("ada") as ada, ArcClient.quickstart("grace") as grace:
    ada.claim("fix-login", thread_id="login")
    ada.post("general", "The token is compared before it is trimmed.", thread_id="login")
    ada.post("general", "The test that shows it: test_login.py::test_blank", thread_id="login")
    claim = ada.hand_over_claim("fix-login", "grace")

    print(f"{claim['owner_agent_id']} takes over: {claim['claim_key']}, for ada")
    for message in grace.messages(thread_id="login"):
        if message["from_agent"] == "ada":
            print(f"grace reads: {message['body']}")
    done = grace.release("fix-login", fencing_token=claim["fencing_token"])
    print(f"done by {done['owner_agent_id']}")
