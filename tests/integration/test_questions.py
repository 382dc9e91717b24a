"""Asking a person: the queue of questions, the task that waits for the answer, and who may give that."""

import threading
import time
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from arc import ArcClient
from tests.support.hub_process import Answer
from tests.support.served_hub import ServedHub
from tests.support.waiting import wait_until


def ask(hub: ServedHub, body: str = "Which?", agent: str = "a", **terms: Any) -> Answer:
    question = {"from_agent": agent, "to_agent": "human", "kind": "task_request", "body": body, **terms}
    return hub.post("/v1/messages", question)


def asked(hub: ServedHub, body: str = "Which?", agent: str = "a", **terms: Any) -> int:
    posted = ask(hub, body, agent, **terms)
    assert posted.status == 201, posted.body
    question_id: int = posted.result["id"]
    return question_id


def answer(hub: ServedHub, question_id: int, said: str = "this", **fields: Any) -> Answer:
    return hub.post(f"/v1/questions/{question_id}/answer", {"answer": said, **fields})


def ids(hub: ServedHub, query: str = "") -> list[int]:
    return [one["question_id"] for one in hub.get(f"/v1/questions{query}").result]


def take(hub: ServedHub, agent: str = "a", **how: Any) -> Answer:
    return hub.post("/v1/tasks/next", {"agent_id": agent, **how})


def task(hub: ServedHub, task_id: int) -> dict[str, Any]:
    found: dict[str, Any] = hub.get(f"/v1/tasks/{task_id}").result
    return found


def test_a_question_says_what_is_asked_and_what_was_answered(hub: ServedHub) -> None:
    question_id = asked(hub, "Which?\nA or B", options=["A", "B"], default="A", deadline_sec=3600, urgency="urgent")
    found = hub.get(f"/v1/questions/{question_id}").result
    assert [found[name] for name in ("asker", "body", "options")] == ["a", "Which?\nA or B", ["A", "B"]]
    assert [found[name] for name in ("default", "state", "by_default", "urgent")] == ["A", "open", False, True]
    assert [found[name] for name in ("answer", "answered_by", "ended_at", "ended_by")] == [None] * 4
    assert found["deadline"] > found["asked_at"]
    said = answer(hub, question_id, "B").result
    found = hub.get(f"/v1/questions/{question_id}").result
    assert (found["state"], found["answer"], found["answered_by"]) == ("answered", "B", "human")
    assert (found["ended_by"], found["provenance"]) == (said["id"], "unverified-human")


def test_the_queue_has_what_is_open_oldest_first_as_it_was_at_any_event(hub: ServedHub) -> None:
    first, second, third = asked(hub), asked(hub, agent="b"), asked(hub)
    answer(hub, first)
    hub.post(f"/v1/tasks/{third}/cancel", {"agent_id": "a"})
    assert ids(hub) == [first, second, third]
    assert ids(hub, "?state=open") == [second]
    assert ids(hub, "?state=answered") == [first]
    assert ids(hub, "?state=cancelled") == [third]
    assert ids(hub, "?asker=a") == [first, third]
    assert ids(hub, f"?state=open&as_of={third}") == [first, second, third]
    assert ids(hub, f"?after={first}") == [second, third]


def test_the_answer_comes_to_the_asker_as_a_reply(hub: ServedHub) -> None:
    question_id = asked(hub, thread_id="t")
    message = answer(hub, question_id, " yes ").result
    (found,) = hub.get("/v1/inbox/a").result
    assert found == message
    assert (found["from_agent"], found["kind"], found["body"]) == ("human", "task_result", "yes")
    assert (found["reply_to"], found["thread_id"], found["provenance"]) == (question_id, "t", "unverified-human")


def test_the_task_that_waits_is_ready_for_its_asker_again_with_the_answer(hub: ServedHub) -> None:
    task_id = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": "work"}).result["id"]
    token = take(hub).result["task"]["fencing_token"]
    question_id = asked(hub, for_task_id=task_id)
    waiting = task(hub, task_id)
    assert (waiting["state"], waiting["assignee"], waiting["depends_on"]) == ("open", "a", [question_id])
    assert waiting["not_ready"] == [f"depends on task {question_id}, which is open"]
    assert take(hub).result is None
    assert hub.post("/v1/claims/refresh", {"owner_agent_id": "a", "claim_key": f"task-{task_id}"}).status == 404
    woken: list[Answer] = []
    caller = threading.Thread(target=lambda: woken.append(take(hub, wait_sec=20)))
    caller.start()
    try:
        wait_until(lambda: hub.get("/v1/agents").status == 200, what="the hub to answer")
        began = time.monotonic()
        answer(hub, question_id)
    finally:
        caller.join(30)
    assert time.monotonic() - began < 10
    assert woken[0].result["task"]["task_id"] == task_id
    assert woken[0].result["task"]["fencing_token"] > token
    assert task(hub, task_id)["attempts"] == 0
    assert take(hub, "b").result is None


def test_a_task_that_another_agent_has_or_is_to_do_cannot_be_made_to_wait(hub: ServedHub) -> None:
    held = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": "work"}).result["id"]
    take(hub, "b")
    refused = ask(hub, for_task_id=held)
    assert (refused.status, refused.body["code"]) == (409, "conflict")
    assert "held by b" in refused.body["error"]
    assert task(hub, held)["claimed_by"] == "b"
    given = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": "w", "assignee": "b"}).result["id"]
    assert ask(hub, for_task_id=given).status == 409


def test_a_claim_of_the_asker_is_kept_while_its_task_waits(hub: ServedHub) -> None:
    task_id = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": "work"}).result["id"]
    hub.post("/v1/claims", {"owner_agent_id": "a", "claim_key": f"task-{task_id}"})
    asked(hub, for_task_id=task_id)
    assert task(hub, task_id)["claimed_by"] == "a"
    assert hub.get("/v1/claims?active_only=1").result[0]["owner_agent_id"] == "a"


def test_nobody_but_a_person_answers_completes_or_fails_a_question(hub: ServedHub) -> None:
    question_id = asked(hub)
    refused = answer(hub, question_id, agent_id="b")
    assert (refused.status, refused.body["code"]) == (403, "forbidden")
    assert "b is an agent" in refused.body["error"]
    for deed in ("complete", "fail"):
        refused = hub.post(f"/v1/tasks/{question_id}/{deed}", {"agent_id": "a"})
        assert (refused.status, refused.body["code"]) == (403, "forbidden")
        assert "arc answer" in refused.body["error"]
    comment = {"from_agent": "b", "kind": "task_result", "body": "no", "reply_to": question_id}
    assert hub.post("/v1/messages", comment).status == 201
    assert ids(hub, "?state=open") == [question_id]


def test_a_question_is_answered_once(hub: ServedHub) -> None:
    question_id = asked(hub)
    assert answer(hub, question_id).status == 201
    refused = answer(hub, question_id)
    assert (refused.status, refused.body["code"]) == (409, "not_ready")
    assert "answered already" in refused.body["error"]


def test_an_answer_under_a_key_is_given_once_and_told_again(hub: ServedHub) -> None:
    question_id, key = asked(hub), str(uuid4())
    path, body = f"/v1/questions/{question_id}/answer", {"answer": "yes"}
    first = hub.post(path, body, headers={"Idempotency-Key": key})
    assert hub.post(path, body, headers={"Idempotency-Key": key}).result == first.result


@pytest.mark.parametrize(("question", "status"), [(999, 404), ("message", 404)])
def test_what_is_no_question_cannot_be_answered(hub: ServedHub, question: int | str, status: int) -> None:
    question_id = hub.say("hello") if question == "message" else question
    refused = hub.post(f"/v1/questions/{question_id}/answer", {"answer": "yes"})
    assert (refused.status, refused.body["code"]) == (status, "not_found")
    assert hub.get(f"/v1/questions/{question_id}").status == 404


def test_an_empty_answer_is_refused(hub: ServedHub) -> None:
    assert answer(hub, asked(hub), "  ").status == 400


def test_the_default_counts_when_the_deadline_has_passed(hub: ServedHub) -> None:
    question_id = asked(hub, options=["A", "B"], default="B", deadline_sec=0.05)
    wait_until(lambda: ids(hub, "?state=open") == [], what="the deadline to pass")
    found = hub.get(f"/v1/questions/{question_id}").result
    assert (found["state"], found["answer"], found["answered_by"], found["by_default"]) == ("answered", "B", None, True)
    told = hub.get("/v1/digest?agent_id=a&since=0").result["lines"]
    text = f"nobody answered your question {question_id}, and the default counts: “B”"
    assert [(line["event_id"], line["text"]) for line in told] == [(found["ended_by"], text)]


def test_with_an_operators_token_only_its_holders_answer(hub: ServedHub) -> None:
    question_id = asked(hub)
    token = "arc_token-of-boss-for-a-test"
    digest = sha256(token.encode()).hexdigest()
    hub.post("/v1/tokens", {"agent_id": "boss", "token_sha256": digest, "operator": True})
    refused = answer(hub, question_id)
    assert refused.status == 403
    assert "operator's token" in refused.body["error"]
    found = hub.post(
        f"/v1/questions/{question_id}/answer", {"answer": "yes"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert (found.status, found.result["from_agent"], found.result["provenance"]) == (201, "boss", "human")


def test_failed_tasks_and_overdue_acknowledgements_need_a_person(hub: ServedHub) -> None:
    failed = hub.post("/v1/messages", {"from_agent": "boss", "kind": "task", "body": "mend"}).result["id"]
    hub.post(f"/v1/tasks/{failed}/fail", {"agent_id": "a", "reason": "no glue"})
    late = hub.say("look", to_agent="a", ack_within_sec=0.01)
    wait_until(lambda: len(hub.get("/v1/attention").result) == 2, what="the acknowledgement to be overdue")
    items = hub.get("/v1/attention").result
    assert [(one["kind"], one["entity"]) for one in items] == [
        ("failed", f"task/{failed}"),
        ("overdue", f"message/{late}"),
    ]
    assert items[0]["text"] == "a task of boss failed: mend"
    hub.post(f"/v1/tasks/{failed}/cancel", {"agent_id": "boss"})
    hub.post("/v1/inbox/a/ack", {"ids": [late]})
    assert hub.get("/v1/attention").result == []


def test_the_client_asks_and_answers(hub: ServedHub) -> None:
    with ArcClient("a", hub.url) as agent, ArcClient("human", hub.url) as person:
        question = agent.ask_person("Which?", options=["A", "B"], urgent=True)
        (found,) = person.questions()
        assert (found["question_id"], found["urgent"]) == (question["id"], True)
        said = person.answer(question["id"], "A")
        assert person.questions() == []
        assert agent.get_question(question["id"])["answer"] == "A"
        assert [message["id"] for message in agent.poll()] == [said["id"]]
