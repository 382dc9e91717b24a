"""Written for Arc 0.1.1: starts, stops and resets a hub of its own. Prints JSON lines."""

import json
import sys

import arc


def say(what: str, seen: object) -> None:
    print(json.dumps([what, seen], sort_keys=True))  # noqa: T201


def main(port: int) -> None:
    where = {"storage": "own.sqlite3", "port": port}
    say(
        "ensure", arc.ensure_hub("127.0.0.1", port, "own.sqlite3", 30.0, "own-relay", max_body_chars=1000) | {"url": ""}
    )
    say("ensure again", arc.ensure_hub(port=port, storage="own.sqlite3", spool_dir="own-relay") | {"url": ""})
    with arc.ArcClient.quickstart("op", f"http://127.0.0.1:{port}") as client:
        say("post", client.post("general", "x" * 1000)["from_agent"])
        try:
            client.post("general", "x" * 1001)
        except arc.ArcError:
            say("too long", True)
    stopped = arc.stop_hub(**where)  # type: ignore[arg-type]
    say("stop", [stopped["stopped"], isinstance(stopped["pid"], int), sorted(stopped)])
    say("stop again", sorted(arc.stop_hub(**where)))  # type: ignore[arg-type]
    reset = arc.reset_hub(**where)  # type: ignore[arg-type]
    say("reset", [reset["reset"], reset["removed"][0]])
    say("reset again", sorted(arc.reset_hub(**where)))  # type: ignore[arg-type]


main(int(sys.argv[1]))
