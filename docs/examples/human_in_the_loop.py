"""Human in the loop: an agent asks a person, does other work meanwhile, and goes on with the answer.

The person answers on the dashboard or with `arc answer`; here a second client plays that part.

    arc ensure
    python human_in_the_loop.py

prints

    a person is asked: Drop the old table? [yes, no]
    ada works on: write the release notes
    a person answers: no
    ada goes on with the migration, told: no
"""

from arc import ArcClient

THREAD = "migration"

with ArcClient.quickstart("ada") as ada, ArcClient("human") as person:
    ada.add_task("migrate", thread_id=THREAD, priority=0)
    ada.add_task("write the release notes", thread_id=THREAD)

    first = ada.next_task(thread_id=THREAD)
    assert first is not None
    migration = first["task"]["task_id"]
    asked = ada.ask_person("Drop the old table?", options=["yes", "no"], for_task_id=migration)

    for question in person.questions():
        print(f"a person is asked: {question['body']} [{', '.join(question['options'])}]")
    meanwhile = ada.next_task(thread_id=THREAD)
    assert meanwhile is not None
    print(f"ada works on: {meanwhile['task']['title']}")
    ada.complete_task(meanwhile["task"]["task_id"])

    print("a person answers: no")
    person.answer(asked["id"], "no")

    again = ada.next_task(thread_id=THREAD, wait_sec=10)
    assert again is not None and again["task"]["task_id"] == migration
    (answer,) = [message for message in ada.inbox() if message["reply_to"] == asked["id"]]
    print(f"ada goes on with the migration, told: {answer['body']}")
    ada.complete_task(migration)
