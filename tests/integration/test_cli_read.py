"""The commands that read: what a hub has, or had at any moment."""

import json
from pathlib import Path

import pytest

from cli.arguments import Arguments
from cli.main import main
from cli.read.view import View
from cli.read.views import LOCKS
from tests.support.command import Run, running
from tests.support.served_hub import ServedHub


@pytest.fixture
def read(hub: ServedHub, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that reads, at the hub."""
    return running(capsys, "--base-url", hub.url)


def test_the_commands_that_read_show_any_moment(hub: ServedHub, read: Run) -> None:
    hub.post("/v1/sessions", {"agent_id": "ada", "capabilities": ["code"]})
    task = hub.say("do\x1b it", kind="task", thread_id="t/1")
    hub.say("for you", to_agent="ada")
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "src/a.py"})
    hub.post("/v1/claims", {"owner_agent_id": "ada", "claim_key": "k", "thread_id": "t/1"})
    for command, expected in (
        ("agents --capability code", "ada"),
        ("channels", "general"),
        ("messages --thread-id t/1", "do\\x1b it"),
        ("messages --since-id 1", "do\\x1b it"),
        ("inbox ada", "for you"),
        ("search for", "you"),
        ("search do --from teller --best --limit 5", "it"),
        ("threads", "1 of 1"),
        ("thread t/1", "k "),
        ("claims --active", "t/1"),
        ("locks --agent ada", "src/a.py"),
        ("tasks --status open", f"{task} "),
    ):
        assert expected in read(*command.split()), command
        json.loads(read(*command.split(), "--json"))
    for command in ("agents", "channels", "inbox ada", "threads", "claims", "locks", "tasks"):
        found = json.loads(read(*command.split(), "--json", "--as-of", "0"))
        assert found == ({command: [], "waiting": []} if command in {"claims", "locks"} else [])
        assert len(read(*command.split(), "--as-of", "1970-01-01T00:00:00Z").splitlines()) == 1
    assert len(json.loads(read("messages", "--json", "--as-of", task))) == 1
    assert "as_of must be from 0" in read("locks", "--as-of", 10**9, code=1)
    assert "is unknown" in read("thread", "nothing", code=1)
    assert "thread 't/1' is unknown" in read("thread", "t/1", "--as-of", 1, code=1)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("agents --as-of=abc", "must be an event id or a time"),
        ("agents --as-of=", "must be an event id or a time"),
        ("agents --as-of=2026-11-22T12:00:00", "must be an event id or a time"),
        ("messages --limit 501", "must be at most 500, not 501"),
        ("messages --since-id=-1", "must be at least 0, not -1"),
    ],
)
def test_arguments_that_can_never_be_used_are_refused_before_a_hub_is_asked(
    command: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in running(capsys)(*command.split(), code=2)


def test_messages_may_be_read_from_the_beginning(hub: ServedHub, read: Run) -> None:
    hub.say("first")
    assert "first" in read("messages", "--since-id", 0)


def test_a_list_that_takes_several_answers_is_printed_whole(hub: ServedHub, capsys: pytest.CaptureFixture[str]) -> None:
    short = View(LOCKS.path, LOCKS.columns, parameters=LOCKS.parameters, key=LOCKS.key, max_bytes=300)
    declared, options = Arguments(), View.Options()
    short.add_arguments(declared)
    declared.parse("arc locks", "", ["--json", "--base-url", hub.url], options)
    for number in range(10):
        hub.post("/v1/locks", {"agent_id": "ada", "file_path": f"{number}.py"})
        hub.post("/v1/locks", {"agent_id": f"reader-{number}", "file_path": "shared.py", "mode": "shared"})
    short.run(options)
    rows = json.loads(capsys.readouterr().out)
    own = [row["file_path"] for row in rows if row["mode"] == "exclusive"]
    readers = [row["agent_id"] for row in rows if row["mode"] == "shared"]
    assert (own, readers) == ([f"{n}.py" for n in range(10)], [f"reader-{n}" for n in range(10)])


def test_no_hub_is_one_line(
    capsys: pytest.CaptureFixture[str], free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["locks", "--base-url", f"http://127.0.0.1:{free_port}"]) == 1
    said = capsys.readouterr().err
    assert "connection error" in said
    assert "start one with: arc ensure" in said


def test_an_answer_that_was_not_offered_counts_and_is_told(
    hub: ServedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where this is run may have a hub of its own
    asked = [hub.say("which?", to_agent="human", kind="task_request", options=["a", "b"]) for _ in range(2)]
    assert main(["answer", "--base-url", hub.url, str(asked[0]), "a"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["answer", "--base-url", hub.url, str(asked[1]), "neither", "one"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["body"] == "neither one"
    assert told.err == "arc: 'neither one' was not among the answers offered (a, b); it counts all the same\n"


def test_the_tree_of_tasks_says_what_each_waits_for(hub: ServedHub, read: Run) -> None:
    first = hub.say("first", kind="task", priority=0)
    whole = hub.say("whole", kind="task", depends_on=[first])
    part = hub.say("part", kind="task", parent_task_id=whole)
    lines = read("tasks").splitlines()[1:]
    assert [line.split()[0] for line in lines] == [str(first), str(whole), str(part)]
    assert lines[1].endswith(f"task {first}, 1 part of it")
    assert "  ○ part" in lines[2]
    assert f"depends on task {first}, which is open" in read("tasks", "--explain")
    assert f"depends on task {first}" in read("task", "show", whole)
    assert json.loads(read("task", "show", part, "--json"))["title"] == "part"
    assert read("task", "ready").splitlines()[1].split()[0] == str(first)
    hub.post(f"/v1/tasks/{first}/complete", {})
    assert read("tasks").splitlines()[2].endswith("1 part of it")
    assert read("digest", "teller", "--since", 0)
    asked = hub.say("which?", to_agent="human", kind="task_request", options=["a", "b"], for_task_id=part)
    assert read("questions").splitlines()[1].endswith("which? [a / b]")
    assert read("questions", "--asker", "nobody").splitlines()[1:] == []
    hub.post(f"/v1/questions/{asked}/answer", {"answer": "a"})
    assert read("questions").splitlines()[1:] == []
    assert read("questions", "--all").splitlines()[1].endswith("a (human)")
