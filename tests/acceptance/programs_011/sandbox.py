"""Written for Arc 0.1.1: an agent in a sandbox speaks through the relay, and asks another one. Prints JSON lines."""

import json
import sys
import threading

import arc


def say(what: str, seen: object) -> None:
    print(json.dumps([what, seen], sort_keys=True))  # noqa: T201


def main(url: str, spool: str) -> None:
    arc.ensure_spool_dirs(spool, agent_id="inside")
    inside = arc.ArcClient.over_relay("inside", spool_dir=spool, timeout=20.0)
    inside.register(display_name="In the box")
    inside.bootstrap()
    outside = arc.ArcClient.quickstart("outside", url)
    inside.post("general", "hello from the sandbox")
    say("outside sees", [one["body"] for one in outside.poll(timeout=10)])

    def answer() -> None:
        for request in outside.poll(timeout=20):
            outside.dm("inside", "42", kind="task_result", reply_to=request["id"])

    thread = threading.Thread(target=answer)
    thread.start()
    result = inside.call("outside", "6 * 7?", timeout=20, poll_interval=0.2, metadata={"n": 1})
    thread.join()
    say(
        "result",
        [result["from_agent"], result["body"], result["kind"], result["metadata"].keys() >= {"task_completed"}],
    )
    say("polled too", [one["body"] for one in inside.poll(timeout=0)])
    say("polled once", inside.poll(timeout=0))
    try:
        inside.call("nobody", "?", timeout=0.3, poll_interval=0.1)
    except arc.ArcError as error:
        say("no answer", [error.status, "timed out" in error.error])

    relay = arc.FileRelayClient(agent_id="raw", spool_dir=spool, timeout=20, poll_interval_sec=0.01)
    found = relay.call("GET", "/v1/channels")
    say("raw", [sorted(found), found["ok"], found["status"], [one["name"] for one in found["body"]["result"]]])
    refused = relay.call("POST", "/v1/messages", {"from_agent": "raw", "channel": "nowhere", "body": "x"})
    say(
        "raw refusal",
        [refused["ok"], refused["status"], refused["body"]["ok"], refused["error"] == refused["body"]["error"]],
    )
    say("raw mistake", relay.call("GET", "no-slash")["error"].split(":")[0])
    say(
        "no relay",
        arc.FileRelayClient(agent_id="raw", spool_dir=f"{spool}-2", timeout=0.1).call("GET", "/v1/x")["status"],
    )
    inside.close()
    outside.close()


main(sys.argv[1], sys.argv[2])
