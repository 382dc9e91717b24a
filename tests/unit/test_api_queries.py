"""Queries and the ids in paths are read strictly, and refused by the name of what is wrong."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from api.http.queries import QueryReader, unescape
from api.messages import EventsQuery, MessagesQuery
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
