"""The hub as the hook of coding agents: what is refused, what is locked, what is told, and what is kept."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import running
from tests.support.hook_windows import CONTENT, Window, git, make_tree
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one committed file."""
    return make_tree(tmp_path / "tree", "a.py")


@pytest.fixture
def hub(tree: Path) -> Iterator[ServedHub]:
    with served_hub(tree) as served:
        yield served


@pytest.fixture
def ada(hub: ServedHub, tree: Path) -> Window:
    return Window(hub, tree, "session-ada")


@pytest.fixture
def bob(hub: ServedHub, tree: Path) -> Window:
    return Window(hub, tree, "session-bob")


def events(hub: ServedHub) -> list[Any]:
    return list(hub.get("/v1/log?limit=1000").result)


def test_what_one_edits_is_locked_for_it_until_its_turn_ends(ada: Window, bob: Window) -> None:
    name = ada.start()
    bob.start()
    assert ada.edit("a.py") == ""
    assert f"a.py is locked by {name} until" in bob.before("Edit", file_path=str(ada.tree / "a.py"))
    ada.stop()
    bob.read("a.py")
    assert bob.edit("a.py") == ""


def test_the_lock_that_an_agent_asked_for_itself_outlives_its_turn(hub: ServedHub, ada: Window, bob: Window) -> None:
    name = ada.start()
    hub.post("/v1/locks", {"agent_id": name, "file_path": "a.py"})
    ada.edit("a.py")
    ada.stop()
    assert "is locked by" in bob.edit("a.py")


def test_a_folder_that_another_holds_is_refused_with_a_path_that_both_cover(hub: ServedHub, bob: Window) -> None:
    hub.post("/v1/locks", {"agent_id": "ada", "file_path": "src/**"})
    reason = bob.before("Write", file_path=str(bob.tree / "src" / "b.py"))
    assert "src/** is locked by ada until" in reason
    assert "Both cover src/b.py" in reason


def test_an_edit_of_what_another_wrote_since_is_stale_until_it_is_read(ada: Window, bob: Window) -> None:
    ada.start()
    name = bob.start()
    bob.edit("a.py")
    bob.stop()
    reason = ada.edit("a.py")
    assert f"a.py was written by {name}" in reason
    assert "Read it again" in reason
    ada.read("a.py")
    assert ada.edit("a.py") == ""


def test_a_read_is_kept_only_where_it_ends_such_a_state(hub: ServedHub, ada: Window, bob: Window) -> None:
    ada.start()
    bob.start()
    ada.read("a.py")
    bob.edit("a.py")
    ada.read("a.py")
    ada.read("a.py")
    assert [event["type"] for event in events(hub)].count("file.read") == 1


def test_a_call_appends_at_most_one_event(hub: ServedHub, ada: Window, bob: Window) -> None:
    def head() -> int:
        """The events so far, but for those that the hub writes of itself."""
        return len([event for event in events(hub) if event["actor"] != "system"])

    path = str(ada.tree / "a.py")
    steps: list[Callable[[], object]] = [
        ada.start,
        lambda: ada.before("Edit", file_path=path),
        lambda: ada.after("Edit", file_path=path),
        lambda: bob.before("Edit", file_path=path),
        lambda: ada.before("Bash", command="sed -i s/a/b/ x.py y.py z.py"),
        lambda: ada.after("Bash", command="sed -i s/a/b/ x.py y.py z.py"),
        ada.stop,
        lambda: ada.hook("SessionEnd", reason="other"),
    ]
    for step in steps:
        before = head()
        step()
        assert head() - before == 1
    before = head()
    ada.before("Bash", command="ls -la")
    assert head() == before


def test_an_edit_of_what_one_holds_already_appends_nothing(hub: ServedHub, ada: Window) -> None:
    ada.start()
    ada.before("Edit", file_path=str(ada.tree / "a.py"))
    before = len(events(hub))
    ada.before("Edit", file_path=str(ada.tree / "a.py"))
    assert len(events(hub)) == before


@pytest.mark.parametrize(
    "command",
    ["git stash", "git reset --hard", "git checkout .", "git clean -fd", "git commit -am x", "git rebase main",
     "pkill python", "git push --force", "git add -A", "bash -c 'git stash'", "git $X --hard"],
)  # fmt: skip
def test_a_command_that_takes_away_what_others_have_not_committed_is_refused(
    ada: Window, bob: Window, command: str
) -> None:
    name = ada.start()
    bob.start()
    ada.edit("a.py")
    ada.stop()  # it holds nothing any more, but what it wrote is not committed
    reason = bob.run(command)
    assert name in reason
    assert "a.py" in reason


@pytest.mark.parametrize("command", ["git stash", "git reset --hard", "git commit -am x", "pkill python"])
def test_the_same_is_allowed_where_everything_is_ones_own(ada: Window, command: str) -> None:
    ada.start()
    ada.edit("a.py")
    assert ada.run(command) == ""


def test_what_is_staged_of_others_is_not_committed(ada: Window, bob: Window) -> None:
    ada.start()
    bob.start()
    ada.edit("a.py")
    git(ada.tree, "add", "a.py")
    assert "a.py" in bob.run("git commit -m x")
    assert ada.run("git commit -m x") == ""


def test_a_command_that_writes_a_file_locks_it(ada: Window, bob: Window) -> None:
    ada.start()
    assert ada.run("cat > b.py <<'E'\nx\nE") == ""
    assert "b.py is locked by" in bob.edit("b.py")


def test_a_patch_in_the_shell_is_read_as_a_patch(ada: Window, bob: Window) -> None:
    ada.start()
    ada.edit("a.py")
    patch = "apply_patch <<'EOP'\n*** Begin Patch\n*** Update File: a.py\n@@\n-one\n+two\n*** End Patch\nEOP"
    assert "a.py is locked by" in bob.run(patch)


def test_a_patch_of_what_another_wrote_since_is_stale_until_it_is_read_in_the_shell(ada: Window, bob: Window) -> None:
    patch = "apply_patch <<'EOP'\n*** Begin Patch\n*** Update File: a.py\n@@\n-one\n+two\n*** End Patch\nEOP"
    ada.start()
    bob.start()
    bob.edit("a.py")
    bob.stop()
    assert "Read it again" in ada.run(patch)
    ada.after("Bash", command="cd . && cat a.py | head -5")
    assert ada.run(patch) == ""


def test_a_patch_that_nothing_is_told_after_is_noted_with_the_next_hook(
    hub: ServedHub, tree: Path, ada: Window, bob: Window
) -> None:
    name = ada.start()
    bob.start()
    assert (
        ada.run("apply_patch <<'EOP'\n*** Begin Patch\n*** Update File: a.py\n@@\n-one\n+two\n*** End Patch\nEOP") == ""
    )
    (tree / "a.py").write_text("two\n")
    ada.stop()
    (written,) = [event for event in events(hub) if event["type"] == "file.written"]
    assert (written["actor"], written["data"]["file_path"]) == (name, "a.py")
    assert "Read it again" in bob.before("Edit", file_path=str(tree / "a.py"))


def test_what_changes_outside_the_guard_is_told_once_to_those_who_hold_or_know_the_file(
    hub: ServedHub, tree: Path, ada: Window, bob: Window
) -> None:
    holder, reader = ada.start(), bob.start()
    stranger = Window(hub, tree, "session-carl").start()
    hub.post("/v1/locks", {"agent_id": holder, "file_path": "a.py"})
    bob.read("a.py")
    (tree / "a.py").write_text("by hand\n")

    def told(agent_id: str) -> list[str]:
        return [one["body"] for one in hub.get(f"/v1/inbox/{agent_id}").result if one["from_agent"] == "guard"]

    wait_until(lambda: told(holder) and told(reader), within_sec=60)
    assert "a.py changed, and no hook told of it" in told(holder)[0]
    (tree / "a.py").write_text("by hand again\n")
    ada.edit("b.py")
    wait_until(lambda: [event for event in events(hub) if event["type"] == "file.written"])
    assert (len(told(holder)), len(told(reader)), told(stranger)) == (1, 1, [])


def test_an_agent_is_there_while_its_tool_runs(hub: ServedHub, ada: Window) -> None:
    name = ada.start()

    def is_there_in_half_an_hour() -> bool:
        return name in hub.hub._recorder.presence.list_here(hub.hub.clock.now() + 1_800_000_000)

    assert ada.run("make test") == ""
    assert is_there_in_half_an_hour()
    ada.after("Bash", command="make test")
    assert not is_there_in_half_an_hour()


def test_where_a_repository_only_checks_nothing_is_locked(hub: ServedHub, tree: Path, bob: Window) -> None:
    ada = Window(hub, tree, "session-ada", mode="check")
    ada.start()
    assert ada.edit("a.py") == ""
    assert hub.get("/v1/locks?active_only=1").result == []
    bob.read("a.py")
    bob.edit("a.py")
    assert "is locked by" in ada.edit("a.py")


def test_where_it_is_off_nothing_is_judged(hub: ServedHub, tree: Path, bob: Window) -> None:
    bob.edit("a.py")
    assert Window(hub, tree, "session-ada", mode="off").edit("a.py") == ""


def test_what_an_agent_asks_for_itself_outlasts_its_turn_though_a_hook_had_locked_it(
    hub: ServedHub, ada: Window, bob: Window
) -> None:
    name = ada.start()
    ada.edit("a.py")
    (lock,) = hub.get("/v1/locks?active_only=1").result
    assert lock["automatic"]
    asked = hub.post("/v1/locks", {"agent_id": name, "file_path": str(ada.tree / "a.py")})
    assert asked.body["acquired"]
    ada.stop()
    assert "a.py is locked by" in bob.edit("a.py")
    held = hub.get("/v1/locks?active_only=1").result
    assert [("automatic" in one, one["agent_id"]) for one in held] == [(False, name)]


def test_two_windows_are_two_agents_and_one_is_the_same_again(ada: Window, bob: Window) -> None:
    first = ada.start()
    assert first.startswith("claude-")
    assert bob.start() != first
    assert ada.start() == first


def test_the_hooks_of_a_window_are_the_agent_that_its_tools_registered(hub: ServedHub, ada: Window) -> None:
    session = ada.start()
    metadata = hub.get(f"/v1/agents/{session}").result["session"]["metadata"]
    ada.hook("SessionEnd", reason="other")
    hub.post("/v1/sessions", {"agent_id": "ada", "metadata": metadata})
    assert ada.start() == "ada"


def test_a_window_of_another_folder_gets_no_decision(hub: ServedHub, tmp_path: Path, ada: Window) -> None:
    ada.edit("a.py")
    other = tmp_path / "other"
    other.mkdir()
    stranger = Window(hub, other, "session-x")
    assert stranger.before("Edit", file_path=str(other / "a.py")) == ""
    context = stranger.hook("SessionStart")["hookSpecificOutput"]["additionalContext"]
    assert str(ada.tree) in context


def test_nothing_of_contents_prompts_and_commands_is_kept(tree: Path) -> None:
    with served_hub(tree) as hub:
        ada = Window(hub, tree, "session-ada")
        ada.start()
        ada.edit("a.py")
        ada.hook("UserPromptSubmit", prompt=CONTENT)
        ada.run(f"echo {CONTENT} > b.py")
        ada.after("Bash", command=f"echo {CONTENT} > b.py")
        ada.hook("Stop", last_assistant_message=CONTENT)
    for file in tree.glob("*.sqlite3*"):
        assert CONTENT.encode() not in file.read_bytes()
        assert b"session-ada" not in file.read_bytes()


def test_what_hooks_wrote_is_the_same_when_it_is_made_again_from_the_log(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served_hub(tree) as hub:
        ada, bob = Window(hub, tree, "session-ada"), Window(hub, tree, "session-bob")
        ada.start()
        ada.edit("a.py")
        bob.edit("a.py")
        ada.stop()
        bob.read("a.py")
        bob.edit("a.py")
    assert "the tables follow from the log" in running(capsys)(
        "log", "replay", "--check", "--storage", tree / "arc.sqlite3"
    )


@pytest.mark.parametrize(
    "given",
    [None, [], "x", {"file_path": 1}, {"file_path": "a\x00b"}, {"file_path": "x" * 6000}, {"file_path": "y" * 300},
     {"file_path": "../../etc/passwd"}, {"file_path": ""}, {"command": "git -C"}, {"command": "$(" * 99}],
)  # fmt: skip
@pytest.mark.parametrize("tool", ["Edit", "Bash", "Read", "apply_patch", None])
def test_a_tool_whose_input_is_strange_is_let_through(hub: ServedHub, ada: Window, tool: object, given: object) -> None:
    for event in ("PreToolUse", "PostToolUse"):
        assert ada.hook(event, tool_name=tool, tool_input=given) is None


def test_a_command_that_writes_many_files_is_refused_for_any_that_another_holds(hub: ServedHub, ada: Window) -> None:
    names = [f"{number}.txt" for number in range(250)]
    hub.post("/v1/locks", {"agent_id": "bob", "file_path": "249.txt"})
    assert "249.txt is locked by bob" in ada.run(f"touch {' '.join(names)}")
    assert ada.run(f"touch {' '.join(names[:249])}") == ""


def test_what_is_no_json_object_is_refused_with_what_it_must_be(hub: ServedHub) -> None:
    assert hub.post("/v1/hooks/claude-code", b"[1]").status == 400
    assert hub.post("/v1/hooks/claude-code", b"{").status == 400
    assert hub.post("/v1/hooks/vim", {}).status == 404
    keyed = hub.post("/v1/hooks/claude-code", {}, headers={"Idempotency-Key": "k"})
    assert (keyed.status, keyed.body["error"].startswith("Idempotency-Key has no meaning")) == (400, True)
    assert "UTF-16" in hub.post("/v1/hooks/claude-code", "{}".encode("utf-16")).body["error"]
    assert hub.post("/v1/hooks/claude-code", b"[" * 100_000).status == 400


def test_an_agent_whose_name_is_bound_is_refused_until_its_hook_shows_the_token(hub: ServedHub, ada: Window) -> None:
    name, token = ada.start(), "arc_token-of-a-window"
    bound = {"agent_id": name, "token_sha256": sha256(token.encode()).hexdigest()}
    assert hub.post("/v1/tokens", bound).status == 201
    path = str(ada.tree / "a.py")
    assert "ARC_TOKEN" in ada.before("Edit", file_path=path)
    given: dict[str, Any] = {"tool_name": "Edit", "tool_input": {"file_path": path}}
    body = {"session_id": ada.session, "cwd": str(ada.tree), "hook_event_name": "PreToolUse", **given}
    for shown, may_run in ((f"Bearer {token}", True), ("Bearer", False)):
        answer = hub.call("POST", "/v1/hooks/claude-code", body, headers={"Authorization": shown})
        assert answer.status == 200
        assert (answer.body is None) == may_run


def test_a_window_that_its_user_clears_goes_on_as_the_same_agent(hub: ServedHub, tree: Path) -> None:
    def start(session: str, source: str) -> str:
        body = {"session_id": session, "cwd": str(tree), "hook_event_name": "SessionStart", "source": source}
        answer = hub.call("POST", "/v1/hooks/claude-code", body, headers={"X-Arc-Host-Process": "4711 8830 boot"})
        return str(answer.body["hookSpecificOutput"]["additionalContext"]).split("agent ")[1].split()[0]

    name = start("first", "startup")
    assert start("second", "clear") == name
    assert start("second", "resume") == name
    assert start("third", "startup") != name
