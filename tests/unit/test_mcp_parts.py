"""The parts that MCP is served from, without a host and without a hub."""

import mcp_types.methods
import mcp_types.version
import pytest
from mcp.shared import inbound

from api.mcp import answers, jsonrpc, revisions
from api.mcp.jsonrpc import ProtocolError, RpcRequest
from api.mcp.methods import CALL_TOOL, METHODS
from api.mcp.poll_places import ALL, MAX_VIEWS, PollPlaces, View
from api.mcp.tools import TOOLS

GENERAL, THREAD = View("general"), View("general", "t-1")


def test_what_a_wider_view_has_shown_a_narrower_one_does_not_show_again() -> None:
    poll_places = PollPlaces()
    poll_places.begin(3)
    poll_places.take(GENERAL, 7)
    assert [poll_places.place(view) for view in (ALL, GENERAL, THREAD, View(None, "t-1"))] == [3, 7, 7, 3]
    poll_places.take(ALL, 9)
    assert [poll_places.place(view) for view in (ALL, GENERAL, THREAD)] == [9, 9, 9]


def test_a_cursor_never_moves_back_and_only_begins_anew() -> None:
    poll_places = PollPlaces()
    assert not poll_places.begun
    poll_places.take(ALL, 9)
    poll_places.take(ALL, 4)
    assert poll_places.place(ALL) == 9
    poll_places.begin(0)
    assert (poll_places.begun, poll_places.place(ALL)) == (True, 0)


def test_what_is_given_back_is_taken_again_and_says_so_only_if_it_was_shown() -> None:
    poll_places = PollPlaces()
    poll_places.begin(3)
    unseen = poll_places.take(ALL, 5)
    poll_places.give_back(unseen)
    assert (poll_places.place(ALL), poll_places.is_again(5, "general", None)) == (3, False)
    shown = poll_places.take(ALL, 5)
    poll_places.show(shown)
    later = poll_places.take(ALL, 7)
    poll_places.give_back(shown)
    assert poll_places.place(ALL) == 3
    assert [poll_places.is_again(number, "general", None) for number in (5, 6)] == [True, False]
    poll_places.show(later)
    assert poll_places.is_again(6, "general", None)


def test_what_a_wide_view_gives_back_its_narrow_ones_show_too() -> None:
    poll_places = PollPlaces()
    poll_places.begin(3)
    taken = poll_places.take(ALL, 9)
    poll_places.take(GENERAL, 10)
    poll_places.give_back(taken)
    assert poll_places.place(GENERAL) == 3


def test_what_a_process_before_may_have_shown_says_so() -> None:
    poll_places = PollPlaces()
    poll_places.begin(3, shown=8)
    assert [poll_places.is_again(number, "general", None) for number in (8, 9)] == [True, False]


class Book:
    """Places that outlast a process."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, View], int] = {}

    def find(self, agent_id: str, view: View) -> int | None:
        return self.places.get((agent_id, view))

    def move(self, agent_id: str, view: View, place: int) -> None:
        self.places[agent_id, view] = place


def test_what_an_answer_took_is_kept_when_the_host_goes_on_and_not_before() -> None:
    book = Book()
    poll_places = PollPlaces(book, lambda: "alice")
    poll_places.begin(3)
    for taken in (poll_places.take(ALL, 5), poll_places.take(GENERAL, 7)):
        poll_places.show(taken)
    in_flight = poll_places.take(ALL, 9)
    assert book.places == {}
    poll_places.confirm()
    assert book.places == {("alice", ALL): 5, ("alice", GENERAL): 7}
    poll_places.show(in_flight)
    poll_places.give_back(in_flight)
    poll_places.confirm()
    assert book.places == {("alice", ALL): 5, ("alice", GENERAL): 5}
    other = PollPlaces(book, lambda: "alice")
    other.begin(3, shown=9)
    assert [other.place(view) for view in (ALL, GENERAL, View("else"))] == [5, 5, 5]


def test_a_view_that_was_kept_goes_on_where_it_was_and_its_narrow_ones_too() -> None:
    book = Book()
    book.places = {("alice", GENERAL): 7, ("bob", ALL): 9}
    poll_places = PollPlaces(book, lambda: "alice")
    poll_places.begin(3)
    assert [poll_places.place(view) for view in (ALL, GENERAL, THREAD, View(None, "t-1"))] == [3, 7, 7, 3]


def test_views_without_number_forget_the_one_that_moved_longest_ago() -> None:
    poll_places = PollPlaces()
    poll_places.begin(1)
    for number in range(MAX_VIEWS + 10):
        poll_places.take(View(f"c{number}"), number + 2)
    assert poll_places.place(View("c0")) == 1
    assert poll_places.place(View(f"c{MAX_VIEWS + 9}")) == MAX_VIEWS + 11
    assert poll_places.place(ALL) == 1


def test_an_answer_leaves_out_what_is_empty_and_ends_times_at_the_second() -> None:
    wire = {
        "id": 7, "ts": "2026-11-22T12:00:00.123456Z", "to_agent": None, "kind": "chat", "body": "", "attachments": [],
        "metadata": {}, "reply_to": 0, "flag": False,
    }  # fmt: skip
    assert answers.message(wire) == {"id": 7, "ts": "2026-11-22T12:00:00Z", "reply_to": 0, "flag": False}
    assert answers.message({"kind": "task"}) == {"kind": "task"}


def test_a_page_has_at_least_one_row_and_says_when_there_are_more() -> None:
    long = {"id": 1, "body": "x" * (answers.MAX_PAGE_BYTES // 3)}
    full = answers.first([long] * 4)
    assert full == answers.Page([long] * 2, is_full=True)
    assert answers.go_on(full, "id") == "The page is full: for the rest, after=1"
    assert answers.first([long], most=1) == answers.Page([long], is_full=False)
    assert answers.first([]) == answers.Page([], is_full=False)
    assert answers.go_on(answers.first([]), "id") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', RpcRequest("ping", {}, 1)),
        (b'{"jsonrpc":"2.0","id":"","method":"ping","params":null}', RpcRequest("ping", {}, "")),
        (b'{"jsonrpc":"2.0","method":"x","params":{"a":1}}', RpcRequest("x", {"a": 1})),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', None),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}', None),
    ],
)
def test_a_message_is_a_request_a_notification_or_a_response(text: bytes, expected: RpcRequest | None) -> None:
    assert jsonrpc.to_request(jsonrpc.decode(text)) == expected


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        (b"{", jsonrpc.PARSE_ERROR, None),
        (b"[" * 100_000, jsonrpc.PARSE_ERROR, None),
        (b"[]", jsonrpc.INVALID_REQUEST, None),
        (b'{"id":3}', jsonrpc.INVALID_REQUEST, 3),
        (b'{"jsonrpc":"1.0","id":"a","method":"ping"}', jsonrpc.INVALID_REQUEST, "a"),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":99999999999999999999,"method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', jsonrpc.INVALID_REQUEST, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":99999999999999999999}}', jsonrpc.INVALID_PARAMS, 1),
    ],
)
def test_a_message_that_cannot_be_used_is_refused_under_its_id(text: bytes, code: int, request_id: object) -> None:
    with pytest.raises(ProtocolError) as refused:
        jsonrpc.to_request(jsonrpc.decode(text))
    assert (refused.value.code, refused.value.reply()["id"]) == (code, request_id)


def test_the_eras_are_those_of_the_sdk() -> None:
    """Over HTTP the hub speaks MCP by itself; what it knows of the protocol must not fall behind the SDK."""
    assert revisions.HANDSHAKE_VERSIONS == mcp_types.version.HANDSHAKE_PROTOCOL_VERSIONS
    assert revisions.REQUEST_VERSIONS == mcp_types.version.MODERN_PROTOCOL_VERSIONS
    for header, name in (
        (revisions.VERSION_HEADER, inbound.MCP_PROTOCOL_VERSION_HEADER),
        (revisions.METHOD_HEADER, inbound.MCP_METHOD_HEADER),
        (revisions.NAME_HEADER, inbound.MCP_NAME_HEADER),
    ):
        assert header.decode() == name
    served = {*METHODS, CALL_TOOL, "server/discover"}
    assert served & mcp_types.methods.CACHEABLE_METHODS == revisions.CACHEABLE
    assert {name: key for name, key in inbound.NAME_BEARING_METHODS.items() if name in served} == revisions.NAMED_BY
    assert revisions.STATUS_OF.items() <= inbound.ERROR_CODE_HTTP_STATUS.items()


def test_each_tool_has_a_name_of_its_own_and_says_in_one_line_what_it_does() -> None:
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
    for tool in TOOLS:
        assert tool.name.startswith("arc_")
        assert tool.does.endswith(".")
        assert "\n" not in tool.does
