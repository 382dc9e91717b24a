"""Bodies are read strictly, and refused by the name of the field that is wrong."""

import gzip
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from api.http.bodies import BodyReader
from arclog.deciders.hub import InitiateShutdown
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import InvalidInput
from arclog.events.messages import FileRefAttachment


def test_an_empty_body_is_an_empty_object() -> None:
    with pytest.raises(InvalidInput, match="agent_id is required"):
        BodyReader(OpenSession).read(b"")


def test_unknown_fields_are_ignored() -> None:
    assert BodyReader(OpenSession).read(b'{"agent_id":"a","more":{"x":[1]}}') == OpenSession(agent_id="a")


@pytest.mark.parametrize(
    ("body", "field_name"),
    [
        (b'{"from_agent":null}', "from_agent"),
        (b'{"from_agent":"a","body":7}', "body"),
        (b'{"from_agent":"a","reply_to":"seven"}', "reply_to"),
        (b'{"from_agent":"a","reply_to":1.5}', "reply_to"),
        (b'{"from_agent":"a","reply_to":true}', "reply_to"),
        (b'{"from_agent":"a","metadata":[1]}', "metadata"),
        (b'{"from_agent":"a","attachments":{"type":"text"}}', "attachments"),
        (b'{"from_agent":"a","attachments":["text"]}', "attachments[0]"),
        (b'{"from_agent":"a","attachments":[{"type":"blob"}]}', "attachments[0].type"),
        (b'{"from_agent":"a","attachments":[{"type":"text"}]}', "attachments[0].content"),
        (b'{"from_agent":"a","metadata":{"n":1e999}}', "metadata[...]"),
        (b'{"from_agent":"a","metadata":{"n":[1e999]}}', "metadata[...][...]"),
        (
            b'{"from_agent":"a","attachments":[{"type":"file_ref","path":"p","start_line":"1"}]}',
            "attachments[0].start_line",
        ),
        (b'{"from_agent":"a","attachments":[{"type":7,"content":""}]}', "attachments[0].type"),
        (b'{"from_agent":"a","attachments":[null]}', "attachments[0]"),
        (b"[]", "body"),
        (b"{}", "from_agent"),
    ],
)
def test_a_wrong_type_is_refused_by_the_name_of_its_field(body: bytes, field_name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        BodyReader(PostMessage).read(body)
    assert refused.value.field == field_name


def test_a_whole_number_may_be_written_as_one_with_a_fraction_of_nothing() -> None:
    given = b'{"from_agent":"a","reply_to":5.0,"ack_within_sec":2.0,"metadata":{"n":5.0},"attachments":'
    given += b'[{"type":"file_ref","path":"p","start_line":1.0,"end_line":null}]}'
    read = BodyReader(PostMessage).read(given)
    assert repr((read.reply_to, read.metadata)) == "(5, {'n': 5.0})"  # what is of any type stays as it was sent
    assert read.attachments == [FileRefAttachment(path="p", start_line=1)]


def test_a_body_that_is_compressed_is_refused_as_such() -> None:
    with pytest.raises(InvalidInput, match="body must be sent as it is, but is compressed by gzip"):
        BodyReader(PostMessage).read(gzip.compress(b'{"from_agent":"a"}'))


def test_a_refusal_says_what_was_wanted_and_what_came() -> None:
    with pytest.raises(InvalidInput, match=r"^replace must be true or false, not a string$"):
        BodyReader(OpenSession).read(b'{"agent_id":"a","replace":"false"}')


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"\xef\xbb\xbf{}", "UTF-8 without a byte order mark"),
        ('{"agent_id":"a"}'.encode("utf-16"), "UTF-16"),
        ('{"agent_id":"a"}'.encode("utf-16-le"), "UTF-16"),
        ('{"agent_id":"a"}'.encode("utf-16-be"), "UTF-16"),
        ('{"agent_id":"a"}'.encode("utf-32"), "UTF-32"),
    ],
)
def test_a_body_in_another_encoding_is_refused_by_its_name(body: bytes, encoding: str) -> None:
    with pytest.raises(InvalidInput, match=encoding):
        BodyReader(OpenSession).read(body)


def test_a_field_that_has_a_default_may_be_null_and_has_it() -> None:
    assert BodyReader(AcquireLock).read(
        b'{"agent_id":"a","file_path":"p","ttl_sec":null,"metadata":null}'
    ) == AcquireLock(agent_id="a", file_path="p")
    assert BodyReader(OpenSession).read(b'{"agent_id":"a","replace":null}') == OpenSession(agent_id="a")
    assert BodyReader(InitiateShutdown).read(b'{"delay_sec":null}') == InitiateShutdown()
    assert BodyReader(PostMessage).read(
        b'{"from_agent":"a","kind":null,"body":null,"attachments":null}'
    ) == PostMessage(from_agent="a")


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[int, Meta(ge=1, le=5)] = 1
    choice: Literal["open", "done"] | None = None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"number":0}', "number must be at least 1, not 0"),
        (b'{"number":6}', "number must be at most 5, not 6"),
        (b'{"choice":"shut"}', "choice must be 'done' or 'open', not 'shut'"),
        (b'{"limit":1}', "limit is not known here; known are: number, choice"),
    ],
)
def test_a_value_out_of_bounds_and_an_unknown_name_are_named(body: bytes, text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        BodyReader(Strict).read(body)
    assert str(refused.value) == text


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b'{"replace":null,"other":[1}',
        b'{"replace":null,"other":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[1,2]",
        b'"text"',
        b"null",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"agent_id":"a"',
        b'{"agent_id":"a"} {}',
        b"\x00",
        b" ",
        b'{"agent_id":"\xc3\x28"}',
        b'{"agent_id":"a","other":"\xc3\x28"}',
        b'{"agent_id":"\\ud800"}',
        b'{"agent_id":"a","metadata":{"\\udc00x":1}}',
        b'{"agent_id":"a","metadata":{"n":NaN}}',
        b'{"agent_id":"a","other":Infinity}',
        b'{"agent_id":"a","other":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"agent_id":"a","metadata":{"x":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_000 + b"}}",
    ],
)
def test_what_is_no_strict_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        BodyReader(OpenSession).read(body)


@given(st.binary(max_size=100))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        assert isinstance(BodyReader(AcquireLock).read(body), AcquireLock)
    except InvalidInput:
        return
