"""Search finds what was said, by its words, as of any moment, and nothing waits for it."""

import random
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arclog.deciders.log import EraseTexts
from arclog.errors import StorageError
from projections.intervals import live
from projections.search.filler import Filler
from projections.search.index import path_of
from projections.search.query import Hit, Order, SearchQuery, find_ids, read_hits
from tests.support.recorders import as_of_event, execute_all, post, reading, recording
from tests.support.served_hub import ServedHub, served_hub
from tests.support.tampering import tampering
from tests.support.waiting import wait_until

SCRIPTS = (
    "the parser forgets its own position after a comment",
    "разбор забывает позицию после комментария в строке",
    "المحلل ينسى موضعه بعد كل تعليق في السطر",
    "解析器在注释之后忘记了自己的位置",
    "コメントの後で構文解析器は位置を忘れます",
)


FIRST = 3
"""The id of the first message of a new storage."""


@contextmanager
def filling(storage: Path) -> Iterator[Filler]:
    filler = Filler(storage, pytest.fail)
    try:
        yield filler
    finally:
        filler.stop()


def search(storage: Path, filler: Filler, q: str, order: Order = "newest") -> list[Hit]:
    query = SearchQuery(q=q, limit=100_000, order=order)
    with reading(storage) as connection:
        return read_hits(connection, find_ids(filler, query, live(0)), query, live(0))


def say_all(storage: Path, bodies: list[str]) -> None:
    with recording(storage) as recorder:
        for start in range(0, len(bodies), 500):
            execute_all(recorder, [post(f"a{n % 7}", body=body) for n, body in enumerate(bodies[start : start + 500])])


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "arc.sqlite3"


@pytest.mark.parametrize("count", [3_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_words_and_their_beginnings_are_found_in_five_scripts_as_a_scan_of_the_log_finds_them(
    storage: Path, count: int
) -> None:
    chance = random.Random(5)  # noqa: S311 - the same messages in every run
    pieces = [script.split() if " " in script else [*script] for script in SCRIPTS]
    bodies = []
    for _ in range(count):
        words = chance.choice(pieces)
        joint = "" if len(words[0]) == 1 else " "
        bodies.append(joint.join(chance.choice(words) for _ in range(chance.randrange(1, 9))))
    say_all(storage, bodies)
    with filling(storage) as filler:
        for words in pieces:
            alone = len(words[0]) == 1
            for word in {*words, *(word[:3] for word in words)}:
                if len(word) < 2 and not alone:
                    continue
                found = {hit.id - FIRST for hit in search(storage, filler, word)}
                assert found == {place for place, body in enumerate(bodies) if has(body, word, alone=alone)}, word


def has(body: str, word: str, *, alone: bool) -> bool:
    """What a scan of all messages would find."""
    return word in body if alone else any(said.startswith(word) for said in body.split())


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_odd_questions_of_every_kind_are_answered(storage: Path, count: int) -> None:
    say_all(storage, ["a AND b", "C++ src/auth.py can't NEAR(a b)", "x" * 9_000])
    chance = random.Random(6)  # noqa: S311
    signs = [
        *"\"'*^()-+:{}[]~@#$%&|<>=?,.;/\\",
        " ",
        "a",
        "NEAR",
        "AND",
        "OR",
        "NOT",
        "said",
        ":",
        "é",
        "検",
        "\u200b",
        "\U0001f600",
    ]
    with filling(storage) as filler:
        for _ in range(count):
            search(storage, filler, "".join(chance.choice(signs) for _ in range(chance.randrange(0, 30))))
        search(storage, filler, "y" * 10_000)
        search(storage, filler, "a " * 5_000)
        assert len(search(storage, filler, "can't")) == 1
        assert len(search(storage, filler, "src/auth.py")) == 1


def test_a_hub_finds_what_was_posted_a_moment_ago_and_says_where(hub: ServedHub) -> None:
    hub.say("the lexer is done", thread_id="t1")
    found = hub.get("/v1/search?q=lex").result
    assert [(hit["from_agent"], hit["thread_id"], hit["snippet"]) for hit in found] == [
        ("teller", "t1", "the [lex]er is done")
    ]


def test_every_narrowing_leaves_what_it_says(hub: ServedHub) -> None:
    hub.post("/v1/channels", {"name": "room"})
    first = hub.say("word one")
    direct = hub.say("word two", to_agent="bea")
    room = hub.say("word three", channel="room", thread_id="t")
    task = hub.post("/v1/messages", {"from_agent": "ada", "body": "word four", "kind": "task"}).result["id"]

    def ids(narrow: str) -> list[int]:
        return [hit["id"] for hit in hub.get(f"/v1/search?q=word&{narrow}").result]

    assert ids("") == [task, room, direct, first]
    assert ids("from=ada") == [task]
    assert ids("to=bea") == [direct]
    assert ids("channel=room") == ids("thread_id=t") == [room]
    assert ids("kind=task") == [task]
    assert ids(f"before={room}") == [direct, first]
    assert ids(f"after={direct}") == [task, room]
    assert ids("limit=2") == [task, room]
    assert hub.get("/v1/search?q=word&limit=2").body["more"] is True
    assert "more" not in hub.get("/v1/search?q=word&limit=4").body


def test_attachments_are_looked_through(hub: ServedHub) -> None:
    hub.say(
        "see",
        attachments=[{"type": "code", "content": "def peek(self): ..."}, {"type": "file_ref", "path": "src/lexer.py"}],
    )
    assert len(hub.get("/v1/search?q=peek").result) == 1
    assert len(hub.get("/v1/search?q=src/lexer.py").result) == 1


def test_a_search_as_of_an_event_finds_what_had_been_said_by_then(hub: ServedHub) -> None:
    then = hub.say("word one")
    now = hub.say("word two")
    assert [hit["id"] for hit in hub.get("/v1/search?q=word").result] == [now, then]
    assert [hit["id"] for hit in hub.get(f"/v1/search?q=word&as_of={then}").result] == [then]


def test_the_best_hits_have_the_words_oftenest_in_the_shortest_texts(storage: Path) -> None:
    say_all(storage, ["needle", "needle " * 5, "needle in a long " + "haystack " * 50])
    with filling(storage) as filler:
        assert [hit.id for hit in search(storage, filler, "needle", order="best")] == [4, 3, 5]


def test_an_index_of_another_storage_version_or_past_is_thrown_away(storage: Path, tmp_path: Path) -> None:
    say_all(storage, ["alpha"])
    with filling(storage) as filler:
        assert len(search(storage, filler, "alpha")) == 1
    other = tmp_path / "other.sqlite3"
    say_all(other, ["beta", "gamma"])
    path_of(storage).rename(path_of(other))
    with filling(other) as filler:
        assert search(other, filler, "alpha") == []
        assert len(search(other, filler, "beta")) == 1
    path_of(other).write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with filling(other) as filler:
        assert len(search(other, filler, "beta")) == 1


def test_an_index_that_is_damaged_while_it_is_used_is_made_again_with_the_next_question(storage: Path) -> None:
    say_all(storage, ["alpha beta"])
    with filling(storage) as filler:
        assert len(search(storage, filler, "alpha")) == 1
        filler._close()
        file = path_of(storage)
        file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 40_000)
        for _ in range(2):
            try:
                found = search(storage, filler, "alpha")
            except StorageError:
                path_of(storage).unlink()
                continue
            assert len(found) == 1


def test_what_is_said_comes_into_the_index_by_itself(hub: ServedHub, tmp_path: Path) -> None:
    said = hub.say("by itself")
    filler = hub.hub._filler
    assert filler is not None

    def is_in() -> bool:
        with filler._lock:
            return filler._index is not None and filler._index.filled_to()[0] >= said

    wait_until(is_in, what="the idle hub to fill its index")


def test_while_the_index_is_filled_one_message_at_a_time_is_in_memory(storage: Path) -> None:
    count, chars = 100, 20_000
    say_all(storage, ["word " * (chars // 5)] * count)
    with filling(storage) as filler:
        filler._opened()
        tracemalloc.start()
        try:
            filler._fill(FIRST + count)
            _now, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(search(storage, filler, "word")) == count
    assert peak_bytes < 20 * chars


def test_a_slice_of_the_log_that_cannot_be_read_to_its_end_leaves_the_index_where_it_was(storage: Path) -> None:
    say_all(storage, [f"word {number}" for number in range(10)])
    with filling(storage) as filler:
        assert filler.find("word", 0, 100, 100, FIRST + 3)
        with tampering(storage) as connection:
            connection.execute("UPDATE events SET data = x'c1' WHERE event_id = ?", (FIRST + 7,))
        with pytest.raises(StorageError, match="cannot be used"):
            search(storage, filler, "word")
        index, _log = filler._opened()
        assert (index.count(), index.filled_to()[0]) == (4, FIRST + 3)


def test_two_hubs_on_one_storage_share_the_index(storage: Path) -> None:
    say_all(storage, [f"word {number}" for number in range(600)])
    found: list[int] = []
    with filling(storage) as one, filling(storage) as other:
        threads = [
            threading.Thread(target=lambda filler=filler: found.append(len(search(storage, filler, "word"))))
            for filler in (one, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert found == [600, 600]


def test_a_message_that_was_erased_is_found_no_more_and_its_words_are_gone(storage: Path) -> None:
    say_all(storage, ["secretary alpha", "alpha"])
    with filling(storage) as filler:
        first = search(storage, filler, "secretary")[0].id
        with recording(storage) as recorder:
            recorder.execute(EraseTexts(ids=[first], reason="it was one"))
        filler.erase([first])
        assert search(storage, filler, "secretary") == []
        index = path_of(storage)
        assert all(b"ecretar" not in path.read_bytes() for path in storage.parent.glob(f"{index.name}*"))
        assert len(search(storage, filler, "alpha")) == 1


def test_a_hub_without_an_index_says_so(tmp_path: Path) -> None:
    with served_hub(tmp_path, search=False) as hub:
        hub.say("word")
        refused = hub.get("/v1/search?q=word")
        assert refused.status == 400
        assert "without an index" in refused.body["error"]
        assert not path_of(tmp_path / "arc.sqlite3").exists()


def test_the_moment_of_a_search_is_that_of_its_hits(storage: Path) -> None:
    say_all(storage, ["word one", "word two"])
    with filling(storage) as filler, reading(storage) as connection:
        query = SearchQuery(q="word")
        at = as_of_event(connection, 3)
        assert [hit.snippet for hit in read_hits(connection, find_ids(filler, query, at), query, at)] == ["[word] one"]
