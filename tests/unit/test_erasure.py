"""What is left of an event when its texts are taken out, and how its bytes tell so."""

import msgspec
import pytest

from arclog.codec import decode_data, encode_data
from arclog.digest import GENESIS, chain
from arclog.erasure import (
    add_salt,
    erased_bytes,
    find_salt,
    has_text,
    hash_data,
    hash_request,
    is_erased,
    texts_of,
    without_texts,
)
from arclog.events import EVENT_CLASSES, Event, LockAcquired, MessagePosted, SessionOpened, TasksOpened
from arclog.events.messages import FileRefAttachment, Handling, TaskTerms, TextAttachment
from tests.support.stored_meanings import EVENTS

SALT = bytes(range(16))
NONE: frozenset[int] = frozenset()
MOST = MessagePosted(
    from_agent="a",
    channel="c",
    to_agent="b",
    kind="task",
    body="x",
    attachments=(TextAttachment("t"),),
    reply_to=1,
    thread_id="t",
    metadata={"k": "v"},
    parent_task_id=1,
    completes_task_id=2,
    completes_in_thread_id="u",
    task=TaskTerms(priority=1),
    freed_token=3,
    handling=Handling(urgent=True),
)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_with_a_salt_means_what_it_means_without(name: str) -> None:
    salted = add_salt(encode_data(EVENTS[name]), SALT)
    assert decode_data(EVENTS[name].type, salted) == EVENTS[name]
    assert find_salt(salted) == SALT
    assert find_salt(encode_data(EVENTS[name])) is None
    msgspec.msgpack.decode(salted)


def test_a_salt_fits_beside_any_number_of_fields() -> None:
    for fields in range(1, 40):
        data = msgspec.msgpack.encode({str(number): number for number in range(fields)})
        assert msgspec.msgpack.decode(add_salt(data, SALT)) == {**msgspec.msgpack.decode(data), "salt": SALT}


@pytest.mark.parametrize("name", EVENTS)
def test_what_is_left_has_no_text_and_keeps_its_stream_and_actor(name: str) -> None:
    event = EVENTS[name]
    left = without_texts(event, NONE, 9)
    assert [text for text in texts_of(left) if text] == []
    assert (left.stream(9), left.actor, left.type) == (event.stream(9), event.actor, event.type)
    assert without_texts(left, NONE, 9) == left


@pytest.mark.parametrize("event", [MOST, *EVENTS.values()])
def test_the_bytes_of_an_erased_event_say_what_the_chain_was_made_of(event: Event) -> None:
    data = add_salt(encode_data(event), SALT)
    left = erased_bytes(data, without_texts(event, NONE, 9))
    assert is_erased(left)
    assert not is_erased(data)
    assert hash_data(left) == hash_data(data)
    assert decode_data(event.type, left) == without_texts(event, NONE, 9)
    assert find_salt(left) is None
    around = (GENESIS, 9, 1, event.type, event.stream(9), event.actor)
    assert chain(*around, left, b"") == chain(*around, data, b"")
    assert erased_bytes(left, without_texts(event, NONE, 9)) == left


def test_of_several_tasks_only_those_that_are_named_lose_their_texts() -> None:
    event = TasksOpened(opened_by="a", messages=tuple(MOST for _ in range(3)))
    left = without_texts(event, frozenset({8}), 9)
    assert isinstance(left, TasksOpened)
    assert [one.body for one in left.messages] == ["x", "", "x"]
    assert [one.handling is not None and one.handling.erased for one in left.messages] == [False, True, False]


def test_names_and_paths_stay() -> None:
    lock = LockAcquired(file_path="a.py", agent_id="a", expires_at=1, metadata={"thread_id": "t", "note": "secret"})
    left = without_texts(lock, NONE, 9)
    assert isinstance(left, LockAcquired)
    assert (left.file_path, left.metadata) == ("a.py", {"thread_id": "t"})
    said = MessagePosted(from_agent="a", channel="c", attachments=(FileRefAttachment("src/a.py", "what it is"),))
    assert "src/a.py" not in list(texts_of(said))
    assert "what it is" in list(texts_of(said))


def test_every_event_with_text_gets_a_salt() -> None:
    assert has_text(MOST)
    assert has_text(SessionOpened(agent_id="a", session_id="s", display_name="a", metadata={"k": "v"}))
    assert not has_text(SessionOpened(agent_id="a", session_id="s", display_name="a"))
    for name, event in EVENTS.items():
        if without_texts(event, NONE, 9) != event and not name.endswith("least") and "session.expired" not in name:
            assert has_text(event), name


def test_no_event_begins_as_an_erased_one_does() -> None:
    for event_class in EVENT_CLASSES:
        assert msgspec.structs.fields(event_class)[0].encode_name != "sha256"


def test_a_request_cannot_be_guessed_once_its_salt_is_gone() -> None:
    assert hash_request(b"request", SALT) != b"request"
    assert hash_request(b"request", None) == b"request"
