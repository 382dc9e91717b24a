"""RPC: one agent asks another and waits for the result.

    arc ensure
    python rpc.py

prints

    the adder is asked: 19 + 23
    the result is 42
"""

import threading

from arc import ArcClient


def answer_one(adder: ArcClient) -> None:
    """Wait for a request, do what it says, and reply to it."""
    for request in adder.poll(timeout=10):
        print(f"the adder is asked: {request['body']}")
        left, right = request["body"].split(" + ")
        adder.dm(request["from_agent"], str(int(left) + int(right)), kind="task_result", reply_to=request["id"])


with ArcClient.quickstart("adder") as adder, ArcClient.quickstart("asker") as asker:
    work = threading.Thread(target=answer_one, args=[adder])
    work.start()
    result = asker.call("adder", "19 + 23", timeout=10)
    print(f"the result is {result['body']}")
    work.join()
