"""Broadcast ask: one agent asks all, and takes the answers that come within two seconds.

    arc ensure
    python broadcast_ask.py

prints

    asked: who knows the build?
    grace: I do.
    linus: Ask grace.
"""

import threading
import time

from arc import ArcClient

ANSWERS = {"grace": "I do.", "linus": "Ask grace."}


def answer(agent: ArcClient) -> None:
    """Reply to the first request."""
    for request in agent.poll(timeout=10):
        agent.dm(request["from_agent"], ANSWERS[agent.agent_id], kind="task_result", reply_to=request["id"])


with ArcClient.quickstart("ada") as ada, ArcClient.quickstart("grace") as grace, ArcClient.quickstart("linus") as linus:
    others = [threading.Thread(target=answer, args=[agent]) for agent in (grace, linus)]
    for other in others:
        other.start()
    asked = ada.post("general", "who knows the build?", kind="task_request")
    print(f"asked: {asked['body']}")
    answers: dict[str, str] = {}
    until = time.monotonic() + 2
    while len(answers) < len(ANSWERS) and time.monotonic() < until:
        for message in ada.poll(timeout=until - time.monotonic()):
            if message["reply_to"] == asked["id"]:
                answers[message["from_agent"]] = message["body"]
    for name, said in sorted(answers.items()):
        print(f"{name}: {said}")
    for other in others:
        other.join()
