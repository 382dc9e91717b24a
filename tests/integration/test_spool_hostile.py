"""A sandbox that means harm: whatever it puts into its folder is answered or set aside, and nobody else notices."""

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.pace import Pace
from tests.support.relay_thread import StandIn, get_response, hand_in, post, serving
from tests.support.waiting import wait_until

COUNTS = [300, pytest.param(5_000, marks=pytest.mark.soak)]
MAX_BYTES = 200_000

Maker = Callable[[random.Random, Path], None]
"""Puts something in the place of a request."""


def content(make: Callable[[random.Random], bytes]) -> Maker:
    return lambda chance, place: _write(place, make(chance))


def envelope(make: Callable[[random.Random], Any]) -> Maker:
    return content(lambda chance: json.dumps(make(chance)).encode())


def _write(place: Path, data: bytes) -> None:
    unfinished = place.with_name(f"tmp{abs(hash(place))}")
    unfinished.write_bytes(data)
    unfinished.rename(place)


def _sparse(chance: random.Random, place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(chance.choice([MAX_BYTES + 65_537, 1 << 33, 1 << 42]))


def _full_folder(_chance: random.Random, place: Path) -> None:
    unfinished = place.with_name(f"tmp{abs(hash(place))}")
    (unfinished / "inside").mkdir(parents=True)
    unfinished.rename(place)


def _mutate(chance: random.Random) -> bytes:
    data = bytearray(json.dumps({"request_id": "x", **post(from_agent="alice", body="y")}).encode())
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return bytes(data)


WRONG: list[Any] = [None, True, 0, -1, 1.5, "", " ", "x" * 5000, [], [[]], {}, {"a": {}}, "\x00", "\ud800"]
FIELDS = ["request_id", "agent_id", "method", "path", "body", "created_at"]
FORBIDDEN = [
    ("POST", "/v1/shutdown", {}),
    ("POST", "/v1/network", {"allow_remote": True}),
    ("POST", "/v1/shutdown/cancel", {}),
    ("POST", "/v1/messages", {"from_agent": "bob", "body": "x"}),
    ("GET", "/v1/inbox/bob", None),
    ("GET", "/v1/stream?agent_id=alice", None),
    ("GET", "/../../etc/passwd", None),
    ("POST", "/v1/messages/../shutdown", {}),
    ("GET", "/v1/x HTTP/1.1\r\nHost: evil", None),
]

MAKERS: list[Maker] = [
    lambda _chance, place: place.mkdir(),
    _full_folder,
    lambda _chance, place: os.mkfifo(place),
    lambda _chance, place: place.symlink_to(place.parents[3] / "outside" / "secret"),
    lambda _chance, place: place.symlink_to(place.parents[3] / "outside"),
    lambda _chance, place: place.symlink_to("/dev/zero"),
    lambda _chance, place: place.symlink_to(place.name),
    _sparse,
    content(lambda _chance: b""),
    content(lambda chance: chance.randbytes(chance.randint(1, 2000))),
    content(lambda chance: b"[" * chance.randint(1, MAX_BYTES)),
    content(lambda _chance: b'{"a":' * 5000 + b"1" + b"}" * 5000),
    content(
        lambda chance: b'{"method":"GET","path":"/v1/tasks","body":{"n":' + b"9" * chance.choice([30, 9000]) + b"}}"
    ),
    content(lambda chance: chance.choice([b"NaN", b"Infinity", b'{"body":{"x":NaN}}', b'{"body":{"x":1e999}}'])),
    content(lambda _chance: json.dumps(post(body="x" * 100)).encode("utf-16")),
    content(lambda _chance: b'{"method":"POST","method":"GET","path":"/v1/tasks"'),
    content(_mutate),
    content(_mutate),
    envelope(lambda chance: chance.choice(WRONG)),
    envelope(lambda chance: {**post(body="x"), chance.choice(FIELDS): chance.choice(WRONG)}),
    envelope(lambda chance: {field: chance.choice(WRONG) for field in FIELDS}),
    envelope(lambda chance: {**post(body="x"), "request_id": chance.choice(["../../x", "/etc/x", "a\nb", "é" * 300])}),
    envelope(lambda chance: dict(zip(("method", "path", "body"), chance.choice(FORBIDDEN), strict=True))),
    envelope(lambda chance: {**post(from_agent="alice"), "agent_id": chance.choice(["bob", "../alice", "alice/"])}),
]
NAMES = [
    "n{}",
    "n {}",
    "n\n{}",
    "é{}",
    "-n{}",
    "n{}.json",
    "n{}" + "x" * 240,
    "caf\udce9{}",
    "$(n{})",
    "n{};rm",
    "n%00{}",
]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_files_are_all_answered_while_an_honest_agent_works_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, count: int
) -> None:
    spool, outside, chance = tmp_path / "spool", tmp_path / "outside", random.Random(seed)  # noqa: S311  # the seed names the run
    (outside / "deep").mkdir(parents=True)
    (outside / "secret").write_text("secret")
    folder = spool / "requests" / "alice"
    folder.mkdir(parents=True)
    hub = StandIn()
    expected = []
    with serving(spool, hub, max_request_bytes=MAX_BYTES, pace=Pace(quiet_sec=0.05, look_again_sec=0.02)):
        for number in range(count):
            stem = chance.choice(NAMES).format(number)[:240]
            MAKERS[number % len(MAKERS)](chance, folder / f"{stem}.json")
            expected.append(stem)
            if number % 30 == 0:
                hand_in(spool, "honest", f"r{number}", post(from_agent="honest", n=number))
                assert get_response(spool, "honest", f"r{number}")["status"] == 201
        answers = spool / "responses" / "alice"
        wait_until(
            lambda: all((answers / f"{stem}.json").exists() for stem in expected), within_sec=30, what="all answers"
        )
    for stem in expected:
        response = json.loads((answers / f"{stem}.json").read_bytes())
        assert response["status"] in {200, 201, 400, 403}, (stem, response)
        assert response["ok"] is (response["status"] < 300)
    assert not list(folder.glob("*.json"))
    assert sorted(str(place.relative_to(outside)) for place in outside.rglob("*")) == ["deep", "secret"]
    assert (outside / "secret").read_text() == "secret"
    assert sorted(place.name for place in spool.iterdir()) == ["requests", "responses"]
    assert sorted(place.name for place in (spool / "responses").iterdir()) == ["alice", "honest"]
    for method, path, body in hub.calls:
        assert path.startswith("/v1/"), path
        assert method == "GET" or not path.startswith(("/v1/shutdown", "/v1/network")), path
        assert (body or {}).get("from_agent", "alice") in {"alice", "honest"}


def test_odd_folders_are_answered_or_left_alone(tmp_path: Path) -> None:
    spool, outside = tmp_path / "spool", tmp_path / "outside"
    requests = spool / "requests"
    (outside / "x").mkdir(parents=True)
    requests.mkdir(parents=True)
    (requests / "link").symlink_to(outside / "x")
    (outside / "x" / "1.json").write_text(json.dumps(post(n=1)))
    (requests / "file").write_text("x")
    os.mkfifo(requests / "pipe")
    (spool / "responses").mkdir()
    (spool / "responses" / "trapped").symlink_to(outside)
    (spool / "responses" / "blocked").write_text("x")
    hub = StandIn()
    with serving(spool, hub):
        for folder in ("a b", "é", "caf\udce9", "..x", "trapped", "blocked", "alice"):
            hand_in(spool, folder, "1", post(n=1))
        for folder in ("a b", "é", "caf\udce9"):
            assert get_response(spool, folder, "1")["status"] == 400
        for folder in ("alice",):
            assert get_response(spool, folder, "1")["status"] == 201
        (spool / "responses" / "trapped").unlink()
        (spool / "responses" / "blocked").unlink()
        for folder in ("trapped", "blocked"):
            assert get_response(spool, folder, "1")["status"] == 201
    assert sorted(str(place.relative_to(outside)) for place in outside.rglob("*")) == ["x", "x/1.json"]
    assert len(hub.done) == 3


def test_a_flood_of_long_polls_delays_only_its_own_agent(tmp_path: Path) -> None:
    spool, hub = tmp_path / "spool", StandIn()

    async def wait(method: str, path: str) -> None:
        if "timeout=" in path:
            await asyncio.sleep(60)

    hub.before = wait
    with serving(spool, hub, pace=Pace(beside=8)):
        for number in range(30):
            hand_in(
                spool, "greedy", f"r{number:02}", {"method": "GET", "path": "/v1/events?agent_id=greedy&timeout=60"}
            )
        hand_in(spool, "alice", "r1", post(n=1))
        began = time.monotonic()
        assert get_response(spool, "alice", "r1")["status"] == 201
        assert time.monotonic() - began < 20  # a poll takes 60
        wait_until(lambda: sum("timeout" in path for _, path, _ in hub.calls) == 8, what="as many polls as may run")
