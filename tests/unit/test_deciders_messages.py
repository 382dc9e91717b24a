"""Messages: given what is known, when a command comes, then an event or a refusal."""

from typing import Any

import pytest

from arclog.deciders.fields import Limits
from arclog.deciders.messages import MESSAGE_KINDS, Posting, PostMessage, decide_post
from arclog.deciders.tasks import KnownTask
from arclog.errors import InvalidInput
from arclog.events import Attachment, MessagePosted
from arclog.events.messages import (
    CodeAttachment,
    DiffRefAttachment,
    FileRefAttachment,
    JsonAttachment,
    TextAttachment,
)

NOW = 1_000_000_000
KNOWN = Posting()


def post(**given: Any) -> PostMessage:
    return PostMessage(**{"from_agent": "a", "body": "hi"} | given)


def accepted(state: Posting = KNOWN, **given: Any) -> MessagePosted:
    return decide_post(state, post(**given), NOW)


def refused(field: str, state: Posting = KNOWN, **given: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        decide_post(state, post(**given), NOW)
    assert caught.value.field == field
    return str(caught.value)


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_a_broadcast_goes_to_general_unless_told_otherwise() -> None:
    assert accepted() == MessagePosted(from_agent="a", channel="general", body="hi")
    assert accepted(channel=" room ").channel == "room"


def test_a_message_to_one_agent_goes_to_direct_unless_told_otherwise() -> None:
    assert accepted(to_agent=" b ") == MessagePosted(from_agent="a", channel="direct", to_agent="b", body="hi")
    assert accepted(to_agent="b", channel="room").channel == "room"


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_recipient_is_everyone(blank: str) -> None:
    assert accepted(to_agent=blank) == MessagePosted(from_agent="a", channel="general", body="hi")


def test_an_empty_channel_counts_as_absent() -> None:
    assert accepted(channel="").channel == "general"
    assert accepted(channel="", to_agent="b").channel == "direct"


def test_a_channel_that_is_given_must_not_be_blank() -> None:
    refused("channel", channel=" ")


def test_a_broadcast_needs_a_channel_that_exists() -> None:
    text = refused("channel", Posting(channel_exists=False), channel="nowhere")
    assert text == "channel 'nowhere' does not exist"


def test_with_a_recipient_the_channel_is_only_a_label() -> None:
    assert accepted(Posting(channel_exists=False), to_agent="b", channel="nowhere").channel == "nowhere"


def test_all_that_is_given_is_kept() -> None:
    given: dict[str, Any] = {"reply_to": 3, "thread_id": " t ", "metadata": {"a": 1}, "parent_task_id": 4}
    assert accepted(kind="task", **given) == MessagePosted(
        from_agent="a", channel="general", kind="task", body="hi", reply_to=3, thread_id="t", metadata={"a": 1},
        parent_task_id=4,
    )  # fmt: skip


def test_a_body_keeps_its_white_space_and_its_control_characters() -> None:
    assert accepted(body=" \x1b[1m\x00 two\nlines ").body == " \x1b[1m\x00 two\nlines "


@pytest.mark.parametrize("kind", MESSAGE_KINDS)
def test_each_kind_is_known_in_any_case(kind: str) -> None:
    assert accepted(kind=f" {kind.upper()} ").kind == kind


def test_there_are_eight_kinds() -> None:
    kinds = ("artifact", "chat", "claim", "notice", "release", "task", "task_request", "task_result")
    assert kinds == MESSAGE_KINDS


@pytest.mark.parametrize("kind", ["", "shout", "task result", "chat\x00"])
def test_another_kind_is_refused_and_the_known_ones_are_named(kind: str) -> None:
    assert ", ".join(MESSAGE_KINDS) in refused("kind", kind=kind)


def test_a_body_or_an_attachment_is_required() -> None:
    assert refused("body", body="") == "body or an attachment is required"
    assert refused("body", body="", attachments=[]) == "body or an attachment is required"
    assert accepted(body="", attachments=[TextAttachment("x")]).attachments == (TextAttachment("x"),)


def test_a_body_has_at_most_as_many_characters_as_the_hub_allows() -> None:
    state = Posting(limits=Limits(max_body_chars=10))
    assert accepted(state, body="ä" * 10).body == "ä" * 10
    assert refused("body", state, body="ä" * 11) == "body must be at most 10 characters, not 11"


def test_a_message_has_at_most_as_many_attachments_as_the_hub_allows() -> None:
    state = Posting(limits=Limits(max_attachments=2))
    two: list[Attachment] = [TextAttachment("x")] * 2
    assert len(accepted(state, attachments=two).attachments) == 2
    assert (
        refused("attachments", state, attachments=[*two, TextAttachment("x")]) == "attachments must be at most 2, not 3"
    )


@pytest.mark.parametrize("attachment", [TextAttachment, CodeAttachment, JsonAttachment])
def test_an_attachment_is_measured_in_characters_of_its_json(attachment: Any) -> None:
    state = Posting(limits=Limits(max_attachment_chars=12))
    assert len(accepted(state, attachments=[attachment("ä" * 10)]).attachments) == 1
    text = refused("attachments[1].content", state, attachments=[TextAttachment(""), attachment("ä" * 11)])
    assert text == "attachments[1].content must be at most 12 characters as JSON, not 13"


def test_escapes_count_in_the_size_of_an_attachment() -> None:
    state = Posting(limits=Limits(max_attachment_chars=12))
    refused("attachments[0].content", state, attachments=[TextAttachment('"' * 6)])


def test_a_json_attachment_may_be_any_value() -> None:
    values: list[Any] = [None, False, 0, "", [], {}, {"a": [1, 2.5]}]
    attachments: list[Attachment] = [JsonAttachment(value) for value in values]
    assert accepted(attachments=attachments).attachments == tuple(attachments)


@pytest.mark.parametrize("content", [{"n": 2**64}, ["\ud800"], nested(65)])
def test_a_json_attachment_that_some_reader_could_not_keep_is_refused(content: Any) -> None:
    refused("attachments[0].content", attachments=[JsonAttachment(content)])


@pytest.mark.parametrize("reference", [FileRefAttachment, DiffRefAttachment])
def test_a_reference_needs_a_path_and_sane_lines(reference: Any) -> None:
    full = reference(path="src/a.py", description="here", base="v1", head="v2", start_line=1, end_line=2)
    assert accepted(attachments=[full]).attachments == (full,)
    refused("attachments[0].path", attachments=[reference(path=" ")])
    refused("attachments[0].path", attachments=[reference(path="a\x00b")])
    refused("attachments[0].path", attachments=[reference(path="p" * 4097)])
    refused("attachments[0].start_line", attachments=[reference(path="p", start_line=-1)])
    refused("attachments[0].end_line", attachments=[reference(path="p", end_line=2**53)])


def test_a_reference_is_no_way_around_the_size_of_an_attachment() -> None:
    state = Posting(limits=Limits(max_attachment_chars=100))
    refused("attachments[0]", state, attachments=[FileRefAttachment(path="p", description="d" * 200)])


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("from_agent", {"from_agent": ""}),
        ("from_agent", {"from_agent": "system"}),
        ("from_agent", {"from_agent": "a\x00"}),
        ("to_agent", {"to_agent": "b\x00"}),
        ("to_agent", {"to_agent": "b" * 257}),
        ("channel", {"channel": "c" * 257}),
        ("channel", {"channel": "c\x1b"}),
        ("thread_id", {"thread_id": "t\n1"}),
        ("thread_id", {"thread_id": "t" * 257}),
        ("reply_to", {"reply_to": -1}),
        ("reply_to", {"reply_to": 2**53}),
        ("parent_task_id", {"parent_task_id": -1}),
        ("parent_task_id", {"parent_task_id": 2**64}),
        ("metadata", {"metadata": {"n": 2**64}}),
        ("metadata", {"metadata": {"n": "x" * 65_536}}),
    ],
)
def test_a_message_that_cannot_be_used_names_its_field(field: str, given: dict[str, Any]) -> None:
    refused(field, **given)


def test_the_hub_itself_may_be_written_to() -> None:
    assert accepted(to_agent="system").to_agent == "system"


def test_a_parent_must_be_a_known_task() -> None:
    text = refused("parent_task_id", Posting(parent_exists=False), kind="task", parent_task_id=99)
    assert text == "parent_task_id 99 is not a known task"


def test_a_result_completes_the_open_request_that_it_replies_to() -> None:
    state = Posting(open_request=KnownTask(7, "open", "general", thread_id="t"))
    posted = accepted(state, kind="task_result", reply_to=7)
    assert (posted.completes_task_id, posted.completes_in_thread_id) == (7, "t")


def test_a_result_without_an_open_request_completes_nothing() -> None:
    posted = accepted(kind="task_result", reply_to=7)
    assert (posted.reply_to, posted.completes_task_id, posted.completes_in_thread_id) == (7, None, None)


@pytest.mark.parametrize("kind", [kind for kind in MESSAGE_KINDS if kind != "task_result"])
def test_only_a_result_completes_a_request(kind: str) -> None:
    state = Posting(open_request=KnownTask(7, "open", "general"))
    assert accepted(state, kind=kind, reply_to=7).completes_task_id is None
