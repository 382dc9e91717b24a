"""Bodies are read strictly, and refused by the name of the field that is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.bodies import BodyReader
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import InvalidInput


def test_an_empty_body_is_an_empty_object() -> None:
    with pytest.raises(InvalidInput, match="agent_id is required"):
        BodyReader(OpenSession).read(b"")


def test_unknown_fields_are_ignored() -> None:
    assert BodyReader(OpenSession).read(b'{"agent_id":"a","more":{"x":[1]}}') == OpenSession(agent_id="a")


@pytest.mark.parametrize(
    ("body", "field_name"),
    [
        (b'{"from_agent":null}', "from_agent"),
        (b'{"from_agent":"a","body":null}', "body"),
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
        (b"{}", "from_agent"),
    ],
)
def test_a_wrong_type_is_refused_by_the_name_of_its_field(body: bytes, field_name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        BodyReader(PostMessage).read(body)
    assert refused.value.field == field_name


def test_a_refusal_says_what_was_wanted_and_what_came() -> None:
    with pytest.raises(InvalidInput, match=r"^replace must be true or false, not a string$"):
        BodyReader(OpenSession).read(b'{"agent_id":"a","replace":"false"}')


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
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
