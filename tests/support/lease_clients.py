"""Clients that ask for locks and claims over HTTP, the relay and MCP, and write down what they were told."""

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from arc.spool import FileRelayClient
from tests.support.lease_histories import AGENTS_IN_A_GROUP, GROUPS, KEYS, LONG_SEC, MCP_HEADERS, Road, Told


class Client:
    """One agent, on one road; every call is written down.

    Args:
        url: its hub's.
        road: how it calls.
        spool: the relay's folder.
        base: what all keys of its group begin with.
        agent: its name.
        noun: what it asks for.
        told: where its calls are written down.
        random: decides what it does.
    """

    def __init__(
        self, url: str, road: Road, spool: Path, base: str, agent: str, noun: str, told: list[Told], random: Random
    ) -> None:
        self.url, self.road, self.base, self.agent, self.noun = url, road, base, agent, noun
        self.told, self.random = told, random
        self.relay = FileRelayClient(agent_id=agent, spool_dir=spool, timeout=30)
        self.places: dict[tuple[tuple[str, ...], str], int] = {}
        self.held: dict[int, tuple[str, ...]] = {}

    def play(self, acts: int, others: list[str]) -> None:
        """Do some things at random."""
        for _ in range(acts):
            r = self.random.random()
            if r < 0.5 or (not self.held and r < 0.75):
                self.ask()
            elif r < 0.75:
                self.give_back()
            elif r < 0.83 and self.held:
                self.hand_over(self.random.choice(others))
            elif r < 0.88 and self.places:
                self.leave()
            else:
                self.look()

    def ask(self) -> None:
        r = self.random
        pool = KEYS if self.noun == "lock" else ("",)
        keys = tuple(sorted({r.choice(pool) for _ in range(r.choice((1, 1, 2)))}))
        mode = r.choice(("exclusive", "exclusive", "shared")) if self.noun == "lock" else "exclusive"
        wait_sec = r.choice((0, 0.1, 0.3, 0.6))
        one = Told(self.agent, self.base, "ask", self.noun, keys, mode, waits=wait_sec > 0)
        body: dict[str, Any] = {"ttl_sec": LONG_SEC, "wait_sec": wait_sec}
        if self.noun == "lock":
            body |= {"paths": [self.base + key for key in keys], "mode": mode}
        else:
            body |= {"claim_key": self.base}
        if self.road == "mcp":
            envelope = self.record(one, lambda: self.tool(f"arc_acquire_{self.noun}", body))
        else:
            owner = "agent_id" if self.noun == "lock" else "owner_agent_id"
            envelope = self.record(one, lambda: self.call("POST", f"/v1/{self.noun}s", {owner: self.agent, **body}))
        self.understand(one, envelope)

    def understand(self, one: Told, envelope: Any) -> None:
        """What an answer to a request says."""
        if envelope.get("code") == "deadlock" or "waits for" in str(envelope.get("said", "")):
            one.got = "deadlock"
            return
        row = envelope["result"]
        if envelope["acquired"]:
            one.got, one.token = "acquired", row["fencing_token"]
            self.held[row["fencing_token"]] = one.keys
            self.places.pop((one.keys, one.mode), None)
            return
        one.got = "waiting" if one.waits else "refused"
        one.holder = row.get("agent_id") or row["owner_agent_id"]
        if "place" in envelope:
            self.places[one.keys, one.mode] = envelope["place"]

    def give_back(self) -> None:
        token, keys = self.random.choice(sorted(self.held.items()))
        del self.held[token]
        by_token = self.random.random() < 0.5
        key = keys[0]
        one = Told(self.agent, self.base, "release", self.noun, (key,), token=token if by_token else None)
        what = {"file_path": self.base + key} if self.noun == "lock" else {"claim_key": self.base}
        body = {**what, **({"fencing_token": token} if by_token else {})}
        if self.road == "mcp":
            envelope = self.record(one, lambda: self.tool(f"arc_release_{self.noun}", body))
        else:
            path = f"/v1/{self.noun}s/release"
            envelope = self.record(one, lambda: self.call("POST", path, {"agent_id": self.agent, **body}))
        one.got = "done" if envelope.get("ok") else "missing"
        if len(keys) > 1:
            self.held[token] = keys[1:]

    def hand_over(self, to: str) -> None:
        token, keys = self.random.choice(sorted(self.held.items()))
        del self.held[token]
        one = Told(self.agent, self.base, "hand_over", self.noun, keys, to=to)
        what = {"paths": [self.base + key for key in keys]} if self.noun == "lock" else {"claim_key": self.base}
        body = {"agent_id": self.agent, "to_agent_id": to, **what}
        envelope = self.record(one, lambda: self.call("POST", f"/v1/{self.noun}s/handover", body))
        if envelope.get("ok"):
            one.got, one.token = "done", envelope["result"]["fencing_token"]
        else:
            one.got = "missing" if envelope["code"] in {"not_found", "invalid_input"} else "conflict"

    def leave(self) -> None:
        keys, mode = self.random.choice(sorted(self.places))
        one = Told(self.agent, self.base, "leave", self.noun, keys, mode)
        body = {"agent_id": self.agent, "place": self.places.pop((keys, mode))}
        envelope = self.record(one, lambda: self.call("POST", f"/v1/{self.noun}s/leave", body))
        one.got = "done" if envelope.get("ok") else "missing"

    def look(self) -> None:
        """See who holds what, and who waits, of one's own group."""
        one = Told(self.agent, self.base, "held", self.noun)
        envelope = self.record(one, lambda: self.call("GET", f"/v1/{self.noun}s?active_only=1"))
        name, owner = ("file_path", "agent_id") if self.noun == "lock" else ("claim_key", "owner_agent_id")
        mine = [row for row in envelope["result"] if row[name].startswith(self.base)]
        found = [(row[owner], row[name].removeprefix(self.base), row.get("mode", "exclusive")) for row in mine]
        one.seen, one.got = tuple(sorted(found)), "done"
        two = Told(self.agent, self.base, "queue", self.noun)
        envelope = self.record(two, lambda: self.call("GET", f"/v1/{self.noun}s/queue"))
        places = [p for p in envelope["result"] if p["name"].startswith(self.base)]
        two.seen = tuple(
            (p["agent_id"], tuple(sorted(key.removeprefix(self.base) for key in p["keys"])), p["mode"]) for p in places
        )
        two.got = "done"

    # The roads --------------------------------------------------------------------------------------------------------

    def record(self, one: Told, call: Callable[[], Any]) -> Any:
        self.told.append(one)
        one.begun_at = time.monotonic()
        envelope = call()
        one.ended_at = time.monotonic()
        return envelope

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if self.road == "relay":
            return self.relay.call(method, path, body)["body"]
        return self.http(method, path, body)

    def http(self, method: str, path: str, body: object, headers: dict[str, str] | None = None) -> Any:
        host = self.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            return json.loads(connection.getresponse().read())

    def tool(self, name: str, arguments: dict[str, Any]) -> Any:
        """A tool's answer in the shape of the hub's envelope."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        result = self.http("POST", f"/mcp?agent={quote(self.agent)}", call, MCP_HEADERS)["result"]
        text = result["content"][0]["text"]
        if result.get("isError"):
            return {"ok": False, "said": text}
        row = json.loads(text)
        return {"ok": True, "acquired": row.get("acquired"), "result": row["locks"][0] if "locks" in row else row}


def make_history(urls: list[str], spool: Path, name: str, seed: int, acts: int = 7) -> list[Told]:
    """Let some agents ask for things at once.

    Args:
        urls: the hubs of one storage.
        spool: the folder of a relay to one of them.
        name: what the keys and agents of this history begin with.
        seed: what they do follows from it, as far as threads allow.
        acts: how much each of them does.

    Returns:
        What they were told.
    """
    random = Random(seed)  # noqa: S311 - a history is to be made again, as far as threads allow
    crowd: list[tuple[Client, list[str]]] = []
    told: list[Told] = []
    for group, noun in enumerate(GROUPS):
        base = f"{name}-{group}/" if noun == "lock" else f"{name}-{group}"
        agents = [f"{name}-{group}{letter}" for letter in "abc"[:AGENTS_IN_A_GROUP]]
        for agent in agents:
            road: Road = random.choice(("http", "relay", "mcp"))
            url = random.choice(urls)
            client = Client(url, road, spool, base, agent, noun, told, Random(random.random()))  # noqa: S311
            client.http("POST", "/v1/sessions", {"agent_id": agent})
            crowd.append((client, [other for other in agents if other != agent]))
    with ThreadPoolExecutor(len(crowd)) as pool:
        for done in [pool.submit(client.play, acts, others) for client, others in crowd]:
            done.result(120)
    return told
