"""Many call a hub at once: nothing is lost, answers come in order, and what hits one call or batch hits no other."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from arclog.deciders.messages import PostMessage
from arclog.deciders.picking import TakeNextTask
from arclog.errors import InvalidInput, StorageBusy, UnexpectedFailure
from arclog.sqlite.connection import open_connection
from arclog.sqlite.reads import read_head
from projections import message_pages
from projections.hub.calls import Call
from projections.hub.hub import Hub
from projections.hub.outcomes import Outcome
from projections.hub.tuning import Tuning
from projections.message_pages import MessageQuery
from tests.support.hubs import bodies, on_hubs
from tests.support.recorders import events_in, post, result_of


def test_calls_that_come_together_share_a_transaction_and_keep_their_order(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        commits: list[None] = []

        def count() -> bool:
            commits.append(None)
            return False

        hub._recorder._side.connection.set_commit_hook(count)
        outcomes = await asyncio.gather(*(hub.execute(post(body=str(number))) for number in range(300)))
        assert [msgspec.json.decode(outcome.result)["body"] for outcome in outcomes] == [str(n) for n in range(300)]
        assert [outcome.event_id for outcome in outcomes] == list(range(4, 304))
        assert len(commits) < 10

    on_hubs(storage, story)


def test_a_refusal_is_raised_where_the_call_was_made(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        calls = (hub.execute(post()), hub.execute(post(kind="shout")))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Outcome, InvalidInput]

    on_hubs(storage, story)


def test_many_requests_at_once_are_answered_in_their_order_each_for_itself(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        hub._commits._max_batch = 7
        calls = [Call(post(body=str(number)), key=f"key-{number}", request=b"hash") for number in range(20)]
        calls[5] = Call(post(kind="shout"))
        results = await hub.execute_all(calls)
        assert isinstance(results.pop(5), InvalidInput)
        told = [msgspec.json.decode(result.result)["body"] for result in results if isinstance(result, Outcome)]
        assert told == [str(number) for number in range(20) if number != 5]
        head = hub._recorder.last_event_id
        del calls[5]
        assert await hub.execute_all(calls) == results
        assert hub._recorder.last_event_id == head
        assert await hub.execute_all([]) == []

    on_hubs(storage, story)


def test_a_caller_that_went_away_costs_the_others_nothing(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        gone = asyncio.create_task(hub.execute(post("gone")))
        stays = asyncio.create_task(hub.execute(post("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await stays).created
        assert (await hub.execute(post())).created

    on_hubs(storage, story)
    assert [event.actor for event in events_in(storage) if event.type == "message.posted"] == ["gone", "stays", "a"]


def test_while_another_process_holds_the_lock_the_loop_and_the_reads_go_on(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(post(body="before"))
        holder = open_connection(storage)
        holder.execute("BEGIN IMMEDIATE")
        calls = [asyncio.create_task(hub.execute(post())) for _ in range(3)]
        reads = 0
        while not all(call.done() for call in calls):
            assert bodies(hub.read(message_pages.read_messages, MessageQuery(channel="general"), hub.now())) == [
                "before"
            ]
            await asyncio.sleep(0.005)
            reads += 1
        assert all(isinstance(call.exception(), StorageBusy) for call in calls)
        assert reads > 10  # about a hundred; had the loop been held until the lock was given up, there were one or two
        waiting = asyncio.create_task(hub.execute(post(body="after")))
        await asyncio.sleep(0.05)
        holder.execute("ROLLBACK")
        assert (await waiting).created
        holder.close()

    on_hubs(storage, story, tuning=Tuning(busy_sec=2.0))


def test_two_hubs_that_write_at_once_lose_nothing(storage: Path) -> None:
    async def story(one: Hub, two: Hub) -> None:
        calls = [(one, two)[number % 2].execute(post(body=str(number), thread_id="t")) for number in range(200)]
        outcomes = await asyncio.gather(*calls)
        assert len({outcome.event_id for outcome in outcomes}) == 200
        last = max(outcome.event_id or 0 for outcome in outcomes)
        while one.read(read_head).event_id < last:  # noqa: ASYNC110 - where the log is elsewhere, its copy follows
            await asyncio.sleep(0.01)
        page = one.read(message_pages.read_messages, MessageQuery(channel="general", limit=500), one.now())
        assert sorted(map(int, bodies(page))) == list(range(200))

    on_hubs(storage, story)


@pytest.mark.parametrize("step", ["stage", pytest.param("flush", marks=pytest.mark.one_file)])
def test_a_fault_in_one_batch_is_told_to_its_callers_and_the_next_batch_gets_its_turn(
    storage: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(hub: Hub) -> None:
        def fail(*_arguments: object, **_more: object) -> None:
            raise RuntimeError("a fault of ours")

        with monkeypatch.context() as faulty:
            faulty.setattr(hub._recorder, step, fail)
            with pytest.raises(UnexpectedFailure, match="a fault of ours"):
                await hub.execute(PostMessage(from_agent="ada", body="lost"))
        kept = await hub.execute(PostMessage(from_agent="ada", body="kept"))
        assert [event.event_id for event in events_in(storage, after=3)] == [kept.event_id]

    on_hubs(storage, story)


def test_a_task_that_is_given_to_a_caller_who_goes_at_that_moment_is_given_to_the_next(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(hub: Hub) -> None:
        task_id = (await hub.execute(post("boss", kind="task"))).event_id
        queue = hub._submission._queue

        def queue_and_go(call: Call) -> "asyncio.Future[Outcome]":
            told = queue(call)
            told.add_done_callback(lambda _told: caller.cancel())
            return told

        with monkeypatch.context() as patch:
            patch.setattr(hub._submission, "_queue", queue_and_go)
            caller = asyncio.create_task(hub.execute(TakeNextTask(agent_id="gone")))
            with pytest.raises(asyncio.CancelledError):
                await caller
        taken = await hub.execute(TakeNextTask(agent_id="next", wait_sec=30))
        assert result_of(taken)["task"]["task_id"] == task_id

    on_hubs(storage, story)
