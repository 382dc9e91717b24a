"""A task board: tasks that depend on each other, and five workers who take what is ready.

    arc ensure
    python task_board.py

prints

    design came before parser and lexer, and tests after both
    release came last
    every task was done once
"""

import threading

from arc import ArcClient

TASKS = {"design": [], "lexer": ["design"], "parser": ["design"], "tests": ["lexer", "parser"], "release": ["tests"]}
THREAD = "compiler"

done: list[str] = []


def work(name: str) -> None:
    """Take what is ready until there is nothing left to do."""
    with ArcClient.quickstart(name) as worker:
        while worker.tasks(thread_id=THREAD, status="open"):
            picked = worker.next_task(wait_sec=1, thread_id=THREAD)
            if picked is not None:
                done.append(picked["task"]["title"])
                worker.complete_task(picked["task"]["task_id"], fencing_token=picked["task"]["fencing_token"])


with ArcClient.quickstart("planner") as planner:
    planner.open_tasks(
        [{"body": title, "ref": title, "depends_on": list(after)} for title, after in TASKS.items()], thread_id=THREAD
    )
    workers = [threading.Thread(target=work, args=[f"worker-{number}"]) for number in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

place = {title: done.index(title) for title in TASKS}
if place["design"] < min(place["parser"], place["lexer"]) and place["tests"] > max(place["parser"], place["lexer"]):
    print("design came before parser and lexer, and tests after both")
if place["release"] == len(TASKS) - 1:
    print("release came last")
if sorted(done) == sorted(TASKS):
    print("every task was done once")
