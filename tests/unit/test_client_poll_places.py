"""Polls keep one place for each filter: nothing is lost, and nothing comes twice to the same or a narrower poll."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from arc.poll_places import Filter, PollPlaces

EVERYTHING: Filter = (None, None, True)


@dataclass(frozen=True)
class Posted:
    id: int
    channel: str
    thread_id: str | None
    own: bool


def passes(message: Posted, through: Filter) -> bool:
    channel, thread_id, exclude_self = through
    return (
        channel in {None, message.channel}
        and thread_id in {None, message.thread_id}
        and not (exclude_self and message.own)
    )


def poll(poll_places: PollPlaces, posted: list[Posted], through: Filter, limit: int) -> list[Posted]:
    found = [one for one in posted if one.id > poll_places.place(through) and passes(one, through)][:limit]
    if found:
        poll_places.move(through, found[-1].id)
    return found


def covers(wider: Filter, narrower: Filter) -> bool:
    return wider[0] in {None, narrower[0]} and wider[1] in {None, narrower[1]} and (narrower[2] or not wider[2])


def test_a_new_client_begins_before_the_first_message() -> None:
    assert PollPlaces().place(("a", "t", True)) == 0


def test_polling_one_channel_moves_no_other_poll() -> None:
    poll_places = PollPlaces()
    poll_places.move(("a", None, True), 7)
    assert poll_places.place(("a", None, True)) == 7
    assert [poll_places.place(one) for one in [("b", None, True), EVERYTHING, (None, "t", True)]] == [0, 0, 0]


def test_what_a_poll_of_everything_returned_is_behind_every_channel() -> None:
    poll_places = PollPlaces()
    poll_places.move(EVERYTHING, 7)
    assert [poll_places.place(one) for one in [("a", None, True), ("a", "t", True), (None, "t", True)]] == [7, 7, 7]


def test_a_poll_without_own_messages_leaves_them_for_a_poll_with_them() -> None:
    poll_places = PollPlaces()
    poll_places.move(EVERYTHING, 7)
    assert poll_places.place((None, None, False)) == 0


def test_a_cursor_never_moves_back_by_polling() -> None:
    poll_places = PollPlaces()
    poll_places.move(EVERYTHING, 7)
    poll_places.move(EVERYTHING, 3)
    assert poll_places.place(EVERYTHING) == 7


def test_bootstrap_moves_every_cursor_even_back() -> None:
    poll_places = PollPlaces()
    poll_places.move(("a", None, True), 900)
    poll_places.move_all(5)
    assert {poll_places.place(one) for one in [("a", None, True), ("b", "t", False), EVERYTHING]} == {5}


channels = st.sampled_from(["a", "b"])
threads = st.sampled_from([None, "t", "u"])
filters = st.tuples(st.sampled_from([None, "a", "b"]), threads, st.booleans())
steps = st.lists(
    st.one_of(
        st.tuples(st.just("post"), channels, threads, st.booleans()),
        st.tuples(st.just("poll"), filters, st.integers(1, 4)),
    ),
    max_size=40,
)


@given(steps)
def test_each_filter_gets_all_that_passes_once_unless_a_wider_one_got_it(story: list[tuple[object, ...]]) -> None:
    poll_places, posted = PollPlaces(), list[Posted]()
    returned: dict[Filter, list[Posted]] = {}
    for kind, *details in story:
        if kind == "post":
            channel, thread_id, own = details
            posted.append(Posted(len(posted) + 1, str(channel), thread_id, bool(own)))  # type: ignore[arg-type]
        else:
            through, limit = details
            returned.setdefault(through, []).extend(poll(poll_places, posted, through, limit))  # type: ignore[arg-type]
    for through in list(returned):
        while found := poll(poll_places, posted, through, 4):
            returned[through].extend(found)
    for through, got in returned.items():
        assert len(got) == len(set(got))
        wider = [one for other, seen in returned.items() if covers(other, through) for one in seen]
        assert {one for one in posted if passes(one, through)} == {one for one in wider if passes(one, through)}
