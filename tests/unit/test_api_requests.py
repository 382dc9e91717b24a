"""Requests are read strictly, and refused by the name of the field that is wrong."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from api.http.requests import HEADERS, BodyReader, QueryReader, find_key, unescape
from api.messages import EventsQuery, MessagesQuery
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import InvalidInput, NotFound


class Sample(Struct, frozen=True):
    agent_id: str
    caller: str | None = field(default=None, name="as")
    number: Annotated[int, Meta(ge=0, le=10)] = 3
    seconds: float = 0
    flag: bool = False
    choice: Literal["open", "done"] | None = None


class Ids(Struct, frozen=True):
    name: str
    number: Annotated[int, Meta(ge=0, le=99)] = 0


def read(query: str, **segments: str) -> Sample:
    return QueryReader(Sample).read({"query_string": query.encode(), "path_params": segments})


def read_ids(**segments: str) -> Ids:
    return QueryReader(Ids).read({"query_string": b"", "path_params": segments})


def test_a_query_becomes_the_struct_of_its_route() -> None:
    found = read("agent_id=a%20b&as=c%2Fd&number=7&seconds=1.5&flag=Yes&choice=done")
    assert found == Sample(agent_id="a b", caller="c/d", number=7, seconds=1.5, flag=True, choice="done")


def test_what_is_absent_or_blank_has_its_default() -> None:
    assert read("agent_id=a&number=&flag=&choice=+&as=%20") == Sample(agent_id="a")


def test_the_first_of_two_values_counts() -> None:
    assert read("agent_id=a&agent_id=b&number=1&number=x") == Sample(agent_id="a", number=1)


def test_unknown_parameters_are_ignored() -> None:
    assert read("agent_id=a&unknown=%zz&caller=b") == Sample(agent_id="a")


def test_a_plus_is_a_space_in_a_query_and_itself_in_a_path() -> None:
    assert read("agent_id=a+b").agent_id == "a b"
    assert read_ids(name="a+b").name == "a+b"


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "Yes"])
def test_a_flag_is_true_for_these(text: str) -> None:
    assert read(f"agent_id=a&flag={text}").flag is True


@pytest.mark.parametrize("text", ["0", "false", "no", "on", "2"])
def test_a_flag_is_false_for_anything_else(text: str) -> None:
    assert read(f"agent_id=a&flag={text}").flag is False


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "agent_id"),
        ("agent_id=%20", "agent_id"),
        ("agent_id=a%00b", "agent_id"),
        ("agent_id=" + "x" * 257, "agent_id"),
        ("agent_id=%ff", "agent_id"),
        ("agent_id=%ed%a0%80", "agent_id"),
        ("agent_id=%4", "agent_id"),
        ("agent_id=a&number=11", "number"),
        ("agent_id=a&number=-1", "number"),
        ("agent_id=a&number=1.0", "number"),
        ("agent_id=a&number=1e1", "number"),
        ("agent_id=a&number=%D9%A1", "number"),
        ("agent_id=a&number=" + "9" * 5000, "number"),
        ("agent_id=a&number=1_0", "number"),
        ("agent_id=a&seconds=soon", "seconds"),
        ("agent_id=a&seconds=nan", "seconds"),
        ("agent_id=a&seconds=inf", "seconds"),
        ("agent_id=a&seconds=1_0", "seconds"),
        ("agent_id=a&choice=half", "choice"),
    ],
)
def test_a_bad_parameter_is_refused_by_its_name(query: str, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(query)
    assert refused.value.field == name


@pytest.mark.parametrize(
    ("number", "told"),
    [("9" * 30, "at most 10"), ("-" + "9" * 30, "at least 0"), ("11", "at most 10"), ("x", "an integer")],
)
def test_an_integer_out_of_bounds_is_told_so_however_long_it_is(number: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=f"number must be {told}, not '?{number}"):
        read(f"agent_id=a&number={number}")


def test_zeros_before_a_number_count_nothing() -> None:
    assert read(f"agent_id=a&number={'0' * 40}7").number == 7


def test_a_query_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidInput):
        QueryReader(Sample).read({"query_string": b"agent_id=\xff", "path_params": {}})


@pytest.mark.parametrize("text", ["abc", "-1", "100", "1.5", "9" * 5000, "%31%30%30"])
def test_what_cannot_be_an_id_names_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        read_ids(name="a", number=text)


def test_ids_in_paths_are_decoded() -> None:
    assert read_ids(name="a%2Fb%20%F0%9F%9A%80", number="%34%32") == Ids(name="a/b 🚀", number=42)


def test_cursors_end_where_json_integers_do() -> None:
    reader = QueryReader(EventsQuery)
    at_end: dict[str, Any] = {"query_string": f"agent_id=a&since_id={2**53 - 1}".encode(), "path_params": {}}
    assert reader.read(at_end).since_id == 2**53 - 1
    beyond: dict[str, Any] = {"query_string": f"agent_id=a&since_id={2**53}".encode(), "path_params": {}}
    with pytest.raises(InvalidInput, match="since_id"):
        reader.read(beyond)


@given(st.binary(max_size=200))
def test_any_query_string_is_read_or_refused(query: bytes) -> None:
    try:
        found = QueryReader(MessagesQuery).read({"query_string": query, "path_params": {}})
    except InvalidInput:
        return
    assert isinstance(found, MessagesQuery)


@given(st.text(max_size=50))
def test_unescape_undoes_percent_encoding(text: str) -> None:
    encodable = text.encode("utf-8", "ignore").decode()
    assert unescape("x", "".join(f"%{byte:02X}" for byte in encodable.encode())) == encodable


# Bodies -------------------------------------------------------------------------------------------------------------


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


# Headers ------------------------------------------------------------------------------------------------------------


def test_a_call_without_a_key_has_none() -> None:
    assert find_key({HEADERS: {}}) is None


@pytest.mark.parametrize("key", [b"k", b"!~", b"x" * 256])
def test_a_key_is_kept_as_it_came(key: bytes) -> None:
    assert find_key({HEADERS: {b"idempotency-key": key}}) == key.decode()


@pytest.mark.parametrize("key", [b"", b" ", b"a b", b"x" * 257, b"\xc3\xa9", b"a\x7f"])
def test_a_key_that_cannot_be_seen_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidInput, match="Idempotency-Key"):
        find_key({HEADERS: {b"idempotency-key": key}})
