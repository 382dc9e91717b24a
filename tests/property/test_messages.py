"""A message is told in the same bytes whenever it is told: at once, to those who wait, and later from its event."""

from collections.abc import Iterator

import apsw
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arclog.deciders.channels import CreateChannel
from arclog.deciders.messages import PostMessage
from arclog.deciders.tasks import CompleteTask
from arclog.events import SYSTEM
from arclog.events.messages import CodeAttachment, FileRefAttachment, JsonAttachment, TextAttachment
from projections.hub.calls import Call, Commit
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from projections.inbox import read_inbox
from projections.intervals import live
from projections.message_pages import MessageQuery, Page, find_json, get_json, read_messages, read_thread_messages
from tests.support.recorders import reading, recording

Storage = tuple[Recorder, apsw.Connection]
NOW = live(0)

OFTEN = settings(max_examples=100, deadline=None, database=None)

HOSTILE = "\"'\\/\u2028\u2029\ufeff\uffff\U0001f9e8%{}[]:,\ud7ff\ue000"
CONTROLS = "".join(map(chr, (*range(32), *range(127, 160))))

letters = st.sampled_from(HOSTILE) | st.characters(exclude_categories=["Cs", "Cc"])
names = st.text(letters, min_size=1, max_size=20).map(str.strip).filter(lambda name: name not in {"", SYSTEM})
agents = (
    st.text(st.sampled_from("\"'\\/%{}[]:, aZé\U0001f9e8"), min_size=1, max_size=20)
    .map(str.strip)
    .filter(lambda name: name not in {"", SYSTEM})
)
"""What an agent may be called: nothing that cannot be seen, and letters of one script."""
texts = st.text(st.sampled_from(HOSTILE + CONTROLS) | st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=3)
attachments = st.one_of(
    st.builds(TextAttachment, content=texts.filter(bool)),
    st.builds(JsonAttachment, content=values),
    st.builds(CodeAttachment, content=texts.filter(bool), language=st.none() | names),
    st.builds(FileRefAttachment, path=names, start_line=st.none() | st.integers(1, 9)),
)
messages = st.builds(
    PostMessage,
    from_agent=agents,
    to_agent=st.none() | agents,
    channel=st.none() | names,
    kind=st.sampled_from(["chat", "artifact", "notice"]),
    body=texts,
    attachments=st.none() | st.lists(attachments, max_size=3),
    reply_to=st.none() | st.integers(0, 2**53 - 1),
    thread_id=st.none() | names,
    metadata=st.none() | objects,
).filter(lambda message: message.body or message.attachments)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    path = tmp_path_factory.mktemp("storage") / "arc.sqlite3"
    with recording(path) as recorder, reading(path) as connection:
        yield recorder, connection


def carry_out(recorder: Recorder, *commands: Command) -> tuple[Commit, list[Outcome]]:
    answers: list[Outcome] = []

    def accepted(result: object) -> None:
        assert isinstance(result, Outcome), result
        answers.append(result)

    commit = recorder.transact([Call(command, accepted, "http") for command in commands])
    commit.tell()
    return commit, answers


def pages_with(connection: apsw.Connection, message: PostMessage, channel: str, event_id: int) -> Iterator[Page]:
    """Every kind of page that the message is on, from right before it."""
    since = event_id - 1
    asked = [MessageQuery(agent_id=message.to_agent or "somebody", since_id=since)]
    asked.append(MessageQuery(agent_id=message.to_agent or "somebody", channel=channel, since_id=since))
    asked.append(MessageQuery(agent_id=message.to_agent or "somebody", channels=(channel,), since_id=since))
    asked.append(MessageQuery(agent_id=message.to_agent or "somebody", tail=True, limit=1))
    if message.to_agent is None:
        asked.append(MessageQuery(channel=channel, since_id=since))
        asked.append(MessageQuery(channel=channel, tail=True, limit=1))
    else:
        yield read_inbox(connection, message.to_agent, NOW, since)
        yield read_inbox(connection, message.to_agent, NOW, limit=1, tail=True)
    if message.thread_id is not None:
        asked.append(MessageQuery(agent_id=message.to_agent or "somebody", thread_id=message.thread_id, since_id=since))
        yield read_thread_messages(connection, message.thread_id, NOW, since, 10)
        if message.to_agent is None:
            asked.append(MessageQuery(channel=channel, thread_id=message.thread_id, since_id=since))
            asked.append(MessageQuery(channel=channel, thread_id=message.thread_id, tail=True, limit=1))
    for query in asked:
        yield read_messages(connection, query, NOW)


@OFTEN
@given(messages)
@example(PostMessage(from_agent='"', to_agent="\\", body=CONTROLS + HOSTILE, thread_id="t\u2028t", metadata={"": -0.0}))
@example(PostMessage(from_agent="a", body="x", reply_to=0))
@example(PostMessage(from_agent="a", attachments=[JsonAttachment(content={"": [[[]], {}, None]})]))
@example(PostMessage(from_agent="a", body="x", metadata={"n": [2**64 - 1, -(2**63), 5e-324, 1.7976931348623157e308]}))
@example(PostMessage(from_agent="a", body="x", metadata={"n": [1.0, 1e22, 1e-7, 0.1, 100000.0, 1e16]}))
def test_a_message_is_read_later_in_the_bytes_in_which_it_was_told_at_once(
    storage: Storage, message: PostMessage
) -> None:
    recorder, connection = storage
    if message.channel is not None:
        carry_out(recorder, CreateChannel(name=message.channel))
    commit, (answer,) = carry_out(recorder, message)
    event_id, told = answer.event_id, answer.result
    assert event_id is not None
    (heard,) = (m for m in commit.messages if m.event_id == event_id)
    assert heard.json == told
    assert get_json(connection, event_id) == find_json(connection, event_id, NOW) == told
    for page in pages_with(connection, message, heard.channel, event_id):
        assert (page.ids, page.rows) == ([event_id], [told])
    row = msgspec.json.decode(told)
    assert (row["from_agent"], row["to_agent"], row["body"]) == (message.from_agent, message.to_agent, message.body)
    assert row["attachments"] == msgspec.to_builtins(message.attachments or [])
    assert (row["reply_to"], row["thread_id"]) == (message.reply_to, message.thread_id)
    assert row["metadata"] == (message.metadata or {})


def test_what_the_hub_itself_says_and_adds_is_read_later_in_the_same_bytes(storage: Storage) -> None:
    recorder, connection = storage
    ask = PostMessage(from_agent="a", kind="task_request", body="do", thread_id='"t\u2028"')
    whole, request = (answer.event_id for answer in carry_out(recorder, ask, ask)[1])
    child = PostMessage(from_agent="a", kind="task", body="begin", parent_task_id=whole)
    (part,) = (answer.event_id for answer in carry_out(recorder, child)[1])
    assert part is not None
    reply = PostMessage(from_agent="b", kind="task_result", body="done", reply_to=request, metadata={"\u2028": "\t"})
    said = carry_out(recorder, reply, CompleteTask(task_id=part))[0].messages
    assert [message.kind for message in said] == ["task_result", "notice"]
    assert [get_json(connection, message.event_id) for message in said] == [message.json for message in said]
