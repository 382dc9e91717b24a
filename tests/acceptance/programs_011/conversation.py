"""Written for Arc 0.1.1: two agents talk, claim, lock and hand out tasks. Prints what it saw, a JSON line each."""

import json
import sys
from collections.abc import Callable

import arc


def say(what: str, seen: object) -> None:
    print(json.dumps([what, seen], sort_keys=True))  # noqa: T201


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except arc.ArcError as error:
        return bool(error.error) and str(error) == error.error
    return False


def main(url: str) -> None:
    alice = arc.ArcClient("alice", base_url=url, timeout=10.0)
    say("not registered", [alice.session_id, alice.bootstrap()["session"]])
    session = alice.register(display_name="Alice", capabilities=["python"], metadata={"team": "a"})
    say("session", {key: session[key] for key in ("agent_id", "display_name", "capabilities", "metadata", "active")})
    say("kept", session["session_id"] == alice.session_id)
    say("taken", refused(lambda: arc.ArcClient("alice", url).register(replace=False)))
    bob = arc.ArcClient.quickstart("bob", url, display_name="Bob", capabilities=["sql"])
    say("live", [one["agent_id"] for one in bob.whoami()["live_agents"]])
    say("bootstrap", sorted(bob.bootstrap()))

    say("channel", alice.create_channel("dev", metadata={"n": 1})["metadata"])
    say("channel again", bob.create_channel("dev", metadata={"n": 2})["created_by"])
    root = alice.post("dev", "build it", kind="task", thread_id="t-1", metadata={"size": 3})
    say("message", sorted(root))
    child = alice.post("dev", "a part", kind="task", thread_id="t-1", parent_task_id=root["id"], reply_to=root["id"])
    alice.dm("bob", "psst", thread_id="t-1", attachments=[{"type": "text", "content": "a note"}])
    say("poll", [[one["body"], one["kind"], one["to_agent"], one["channel"]] for one in bob.poll(timeout=5)])
    say("poll again", bob.poll(timeout=0))
    bob.post("dev", "mine", kind="artifact", thread_id="t-1")
    carol = arc.ArcClient("carol", url)
    for number in range(3):
        carol.post("general", str(number), thread_id="t-2")
    say("without own", [one["from_agent"] for one in bob.poll(timeout=0)])
    say("for alice", [one["body"] for one in alice.poll(timeout=0, channel="dev", limit=5)])
    say("with own", [one["body"] for one in carol.poll(exclude_self=False, timeout=0, thread_id="t-2", limit=2)])

    claim = alice.claim("build", thread_id="t-1", task_message_id=root["id"], ttl_sec=60, metadata={"why": "first"})
    say("claim", [claim["owner_agent_id"], claim["task_message_id"] == root["id"], claim["metadata"]])
    say("held", bob.claim("build")["owner_agent_id"])
    say("not mine", [refused(lambda: bob.refresh_claim("build")), refused(lambda: bob.release("build"))])
    say("refreshed", alice.refresh_claim("build", ttl_sec=120)["expires_at"] > claim["expires_at"])
    say("released", alice.release("build")["released_at"] is not None)
    say("lock", alice.lock("src/a.py", 60, {"thread_id": "t-1"})["agent_id"])
    say("locked", bob.lock("src/a.py", ttl_sec=60)["agent_id"])
    say("not my lock", refused(lambda: bob.unlock("src/a.py")))
    say("unlocked", alice.unlock("src/a.py")["released_at"] is not None)

    say("done", bob.complete_task(child["id"])["status"])
    thread = bob.get_thread("t-1")
    say("thread", [[task["status"] for task in thread["tasks"]], len(thread["claims"]), sorted(thread["thread"])])
    say(
        "rolled up", [[one["from_agent"], one["body"].split()[:2]] for one in bob.poll(timeout=0, thread_id="t-1")][-1:]
    )
    say("unknown", [refused(lambda: bob.get_thread("none")), refused(lambda: bob.complete_task(10**9))])
    say("no channel", [refused(lambda: bob.post("nowhere", "x")), refused(lambda: bob.poll(channel="nowhere"))])

    with bob as same:
        say("same", same is bob)
    say("left", [bob.session_id, [one["agent_id"] for one in alice.bootstrap()["live_agents"]]])
    bob.close()
    alice.close()


main(sys.argv[1])
