"""What is erased is gone from every file that a hub keeps, and the log proves as before."""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import apsw
import pytest

from arclog.codec import decode_data
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.log import EraseTexts
from arclog.deciders.task_batches import NewTask, OpenTasks
from arclog.erasure import erased_bytes, without_texts
from arclog.errors import InvalidInput, NotFound
from arclog.events import MessagePosted
from arclog.progress import no_progress
from arclog.proof.export import write_export
from arclog.sqlite.connection import NEWEST_FORMAT
from arclog.sqlite.reads import NO_END
from cli.main import main
from projections.moving.transfer import bring_in, fork
from projections.rebuilding.verification import verify_storage
from tests.support.hub_process import HubProcess
from tests.support.memory_engine import MemoryLog
from tests.support.recorders import contents, events_in, post, reading, recording
from tests.support.relay_thread import get_response, hand_in
from tests.support.served_hub import ServedHub
from tests.support.tampering import build_storage, tampering
from tests.support.waiting import wait_until

SECRET = "sk-live-QZX9917secretABC42"
REASON = "a key was posted"


def find_copies(folder: Path) -> list[str]:
    """The files below a folder that hold the secret, in any case of its letters."""
    sought = SECRET.lower().encode()[8:]
    return [str(path) for path in folder.rglob("*") if path.is_file() and sought in path.read_bytes().lower()]


def bytes_in(storage: Path) -> list[bytes]:
    """What is stored of each event."""
    with reading(storage) as connection:
        return [data for (data,) in connection.execute("SELECT data FROM events")]


def check_proof(storage: Path) -> None:
    report = verify_storage(storage, False, no_progress, no_progress)
    assert (report.findings, report.compared) == ((), True)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(tmp_path).start()
    yield hub
    hub.stop()


def say_everywhere(hub: HubProcess) -> list[int]:
    """Put the secret wherever a caller can put a text; the events that hold it."""
    said: list[int] = []
    for path, body in (
        ("/v1/messages", {"from_agent": "a", "body": f"the key is {SECRET}, take it"}),
        ("/v1/messages", {"from_agent": "a", "body": "x", "attachments": [{"type": "text", "content": SECRET}]}),
        ("/v1/messages", {"from_agent": "a", "body": "x", "attachments": [{"type": "json", "content": {"k": SECRET}}]}),
        ("/v1/messages", {"from_agent": "a", "body": "x", "metadata": {"k": [SECRET]}}),
        ("/v1/messages", {"from_agent": "a", "kind": "task", "body": f"use {SECRET}"}),
        ("/v1/locks", {"agent_id": "a", "file_path": "a.py", "metadata": {"note": SECRET}}),
        ("/v1/claims", {"owner_agent_id": "a", "claim_key": "k", "metadata": {"note": SECRET}}),
        ("/v1/channels", {"name": "room", "metadata": {"note": SECRET}}),
        ("/v1/sessions", {"agent_id": "a", "metadata": {"note": SECRET}}),
    ):
        answer = hub.post(path, body, headers={"Idempotency-Key": f"key-{len(said)}"})
        assert answer.status in {200, 201}
        said.append(hub.get("/v1/health").result["head"])
    return said


def test_after_it_no_file_holds_a_copy_and_the_log_proves_as_before(process: HubProcess) -> None:
    said = say_everywhere(process)
    # The relay has written one answer with it, and has the request that said it.
    message = {"from_agent": "ada", "body": f"over the relay: {SECRET}"}
    for stem, path, body in (("r1", "/v1/messages", message), ("r2", "/v1/messages?channel=general&limit=100", None)):
        request = {"method": "POST" if body else "GET", "path": path, "request_id": stem}
        hand_in(process.spool_dir, "ada", stem, {**request, **({"body": body} if body else {})})
        assert get_response(process.spool_dir, "ada", stem)["status"] in {200, 201}
    said.append(process.get("/v1/health").result["head"])
    assert process.get(f"/v1/search?q={SECRET}").result
    hit = find_copies(process.home)
    assert any("arc.sqlite3" in path for path in hit)
    assert any("responses" in path for path in hit)
    assert any("requests" in path for path in hit)

    receipt = process.post("/v1/log/erase", {"ids": said, "reason": REASON, "agent_id": "ops"}).result

    assert find_copies(process.home) == []
    assert receipt["erased"] == said
    assert (receipt["copies"], receipt["elsewhere"], receipt["wal_emptied"]) == ([], [], True)
    assert any(".arc-relay" in path for path in receipt["scanned"])
    assert process.get(f"/v1/search?q={SECRET}").result == []
    answered = get_response(process.spool_dir, "ada", "r2")
    assert all(SECRET not in json.dumps(one) for one in answered["body"]["result"])
    process.stop()
    assert find_copies(process.home) == []
    check_proof(process.storage)


def test_a_retry_is_told_what_is_left_whatever_it_asks(process: HubProcess) -> None:
    body = {"from_agent": "a", "body": SECRET}
    first = process.post("/v1/messages", body, headers={"Idempotency-Key": "k"}).result
    assert process.post("/v1/messages", {**body, "body": "x"}, headers={"Idempotency-Key": "k"}).status == 422
    process.post("/v1/log/erase", {"ids": [first["id"]], "reason": REASON})
    again = process.post("/v1/messages", body, headers={"Idempotency-Key": "k"}).result
    assert again == {**first, "body": "", "erased": True}


def test_what_says_the_same_and_is_not_erased_is_named(hub: ServedHub) -> None:
    first, second = hub.say(f"the key is {SECRET}"), hub.say(f"again: {SECRET}")
    receipt = hub.post("/v1/log/erase", {"ids": [first], "reason": REASON}).result
    assert receipt["elsewhere"] == [second]
    assert [Path(path).name for path in receipt["copies"]] != []
    receipt = hub.post("/v1/log/erase", {"ids": [second], "reason": REASON}).result
    assert (receipt["elsewhere"], receipt["copies"]) == ([], [])


def test_erasing_again_adds_nothing_to_the_log(hub: ServedHub) -> None:
    message = hub.say(SECRET)
    assert hub.post("/v1/log/erase", {"ids": [message], "reason": REASON}).status == 201
    head = hub.get("/v1/health").result["head"]
    again = hub.post("/v1/log/erase", {"ids": [message], "reason": REASON})
    assert (again.status, again.result["event_id"]) == (200, None)
    assert hub.get("/v1/health").result["head"] == head


def test_what_cannot_be_erased_is_refused_and_nothing_is_done(tmp_path: Path) -> None:
    with recording(tmp_path / "arc.sqlite3") as recorder:
        head = recorder.last_event_id
        for ids, error in (([10**6], NotFound), ([], InvalidInput)):
            with pytest.raises(error):
                recorder.execute(EraseTexts(ids=ids, reason=REASON))
        with pytest.raises(InvalidInput):
            recorder.execute(EraseTexts(ids=[1], reason=" "))
        assert recorder.last_event_id == head


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_messages_of_one_request_that_are_erased_one_by_one_leave_no_copy(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    storage = tmp_path / "arc.sqlite3"
    secrets = [f"{SECRET}-{number}" for number in range(3)]
    with recording(storage) as recorder:
        opened = recorder.execute(OpenTasks(agent_id="a", tasks=[NewTask(body=secret) for secret in secrets]))
        assert opened.event_id is not None
        for gone, place in enumerate(order, 1):
            recorder.execute(EraseTexts(ids=[opened.event_id - 2 + place], reason=REASON))
            left = b"".join(bytes_in(storage))
            assert [secret.encode() in left for secret in secrets] == [n not in order[:gone] for n in range(3)]
    check_proof(storage)
    forked = tmp_path / "fork.sqlite3"
    fork(storage, forked, events_in(storage)[-2].event_id)
    assert SECRET.encode() not in b"".join(bytes_in(forked))


@pytest.mark.parametrize("seed", range(8))
def test_after_erasing_anything_the_tables_are_those_of_a_replay(tmp_path: Path, seed: int) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 150, seed)
    chance = random.Random(seed)  # noqa: S311 - the same events for the same seed
    with recording(storage) as recorder:
        head = recorder.last_event_id
        for event_id in chance.sample(range(1, head + 1), 60):
            try:
                recorder.execute(EraseTexts(ids=[event_id], reason=REASON))
            except (InvalidInput, NotFound):
                continue
    assert len([event for event in events_in(storage) if event.type == "payload.erased"]) > 10
    check_proof(storage)


def test_a_change_that_passes_itself_off_as_an_erasure_is_found(tmp_path: Path) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 60)
    with recording(storage) as recorder:
        said = next(event.event_id for event in events_in(storage) if isinstance(event.data, MessagePosted))
        recorder.execute(EraseTexts(ids=[said], reason=REASON))
    check_proof(storage)
    with tampering(storage) as connection:
        left = connection.execute("SELECT data FROM events WHERE event_id = ?", (said,)).get
        connection.execute("UPDATE events SET data = ? WHERE event_id = ?", (left + b"", said))
        other = left.replace(b"general", b"elsewhr")
        connection.execute("UPDATE events SET data = ? WHERE event_id = ?", (other, said))
    report = verify_storage(storage, True, no_progress, no_progress)
    assert [(one.problem, one.event_id) for one in report.findings] == [("changed", said)]


def test_a_text_that_was_replaced_by_an_erasure_that_nobody_asked_for_is_found(tmp_path: Path) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 60)
    said = next(event.event_id for event in events_in(storage) if isinstance(event.data, MessagePosted))
    with tampering(storage) as connection:
        data = connection.execute("SELECT data FROM events WHERE event_id = ?", (said,)).get
        event = decode_data("message.posted", data)
        left = erased_bytes(data, without_texts(event, frozenset(), said))
        connection.execute("UPDATE events SET data = ? WHERE event_id = ?", (left, said))
    report = verify_storage(storage, True, no_progress, no_progress)
    assert [(one.problem, one.event_id) for one in report.findings] == [("changed", said)]
    assert "no event erased them" in report.findings[0].text


def test_a_hub_that_died_before_it_had_looked_after_the_copies_does_so_when_it_starts(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    said = hub.post("/v1/messages", {"from_agent": "a", "body": f"the key is {SECRET}"}).result["id"]
    assert hub.get(f"/v1/search?q={SECRET}").result
    hub.kill()
    assert find_copies(tmp_path)
    # The event alone, as if the hub had died right after it.
    with recording(hub.storage) as recorder:
        recorder.execute(EraseTexts(ids=[said], reason=REASON))
    hub.start()
    wait_until(lambda: not find_copies(tmp_path), what="no copy left")
    assert hub.stop() == 0
    check_proof(hub.storage)


def test_another_hub_on_the_storage_shows_it_no_more(tmp_path: Path) -> None:
    one, other = HubProcess.at(tmp_path).start(), HubProcess(tmp_path, tmp_path / "arc.sqlite3", tmp_path / "relay-2")
    other.start()
    try:
        said = one.post("/v1/messages", {"from_agent": "a", "body": SECRET}).result["id"]
        for hub in (one, other):  # each remembers what it has read
            assert SECRET in json.dumps(hub.get("/v1/messages?channel=general&tail=1").body)
        one.post("/v1/log/erase", {"ids": [said], "reason": REASON})
        assert SECRET not in json.dumps(one.get("/v1/messages?channel=general&tail=1").body)
        gone = lambda: SECRET not in json.dumps(other.get("/v1/messages?channel=general&tail=1").body)  # noqa: E731
        wait_until(gone, what="the other hub to show it no more")
    finally:
        one.stop()
        other.stop()


def test_an_export_of_erased_events_becomes_a_storage_that_verifies(tmp_path: Path) -> None:
    storage, copy = build_storage(tmp_path / "arc.sqlite3", 40), tmp_path / "copy.sqlite3"
    with recording(storage) as recorder:
        said = next(event.event_id for event in events_in(storage) if isinstance(event.data, MessagePosted))
        recorder.execute(EraseTexts(ids=[said], reason=REASON))
    exported = BytesIO()
    with reading(storage) as connection:
        write_export(connection, exported, 1, NO_END)
    exported.seek(0)
    bring_in(exported, "export", copy)
    with recording(copy):
        pass
    check_proof(copy)
    with closing(apsw.Connection(str(copy))) as connection:
        assert connection.pragma("user_version") == NEWEST_FORMAT


def test_a_log_that_is_brought_in_by_parts_loses_what_the_later_part_erases(tmp_path: Path) -> None:
    storage, copy = tmp_path / "arc.sqlite3", tmp_path / "copy.sqlite3"
    with recording(storage) as recorder:
        said = recorder.execute(post("a", body=SECRET)).event_id
        assert said is not None
        first, second = BytesIO(), BytesIO()
        with reading(storage) as connection:
            write_export(connection, first, 1, NO_END)
        recorder.execute(EraseTexts(ids=[said], reason=REASON))
        with reading(storage) as connection:
            write_export(connection, second, said + 1, NO_END)
    for part in (first, second):
        part.seek(0)
        bring_in(part, "export", copy)
    (event,) = [event for event in events_in(copy) if event.event_id == said]
    assert isinstance(event.data, MessagePosted)
    assert event.data.body == ""
    assert event.data.handling is not None
    assert event.data.handling.erased


def test_a_hub_with_a_storage_of_its_own_follows_what_another_erases(tmp_path: Path) -> None:
    log = MemoryLog()
    with (
        recording(tmp_path / "a.sqlite3", remote=log.join()) as one,
        recording(tmp_path / "b.sqlite3", remote=log.join()) as other,
    ):
        said = one.execute(AcquireLock(agent_id="a", file_path="a.py", metadata={"note": SECRET})).event_id
        assert said is not None
        other.execute(post("b"))
        one.execute(EraseTexts(ids=[said], reason=REASON))
        other.execute(post("b"))
    for name in ("a", "b"):
        check_proof(tmp_path / f"{name}.sqlite3")
        assert SECRET not in str(events_in(tmp_path / f"{name}.sqlite3"))
    assert all(SECRET.encode() not in event.data for event in log.events)


def test_a_hub_that_takes_in_an_erasure_between_two_changes_of_what_it_erases_keeps_no_copy(tmp_path: Path) -> None:
    log = MemoryLog()
    with (
        recording(tmp_path / "a.sqlite3", remote=log.join()) as one,
        recording(tmp_path / "b.sqlite3", remote=log.join()) as other,
    ):
        lock = AcquireLock(agent_id="a", file_path="a.py", metadata={"note": SECRET})
        said = one.execute(lock).event_id
        assert said is not None
        other.execute(post("b"))
        one.execute(RefreshLock(agent_id="a", file_path="a.py"))
        one.execute(EraseTexts(ids=[said], reason=REASON))
        one.execute(ReleaseLock(agent_id="a", file_path="a.py"))
        other.execute(post("b"))
    with reading(tmp_path / "b.sqlite3") as connection:
        assert SECRET not in str(contents(connection))


def test_only_operators_erase_once_there_are_any(hub: ServedHub) -> None:
    said, token = hub.say(SECRET), "arc_token-of-an-operator-for-a-test"
    hub.post("/v1/tokens", {"agent_id": "op", "token_sha256": sha256(token.encode()).hexdigest(), "operator": True})
    asked = {"ids": [said], "reason": REASON}
    assert hub.post("/v1/log/erase", asked).status == 403
    assert hub.get(f"/v1/log/{said}").result["event"]["data"]["body"] == SECRET
    assert hub.post("/v1/log/erase", asked, headers={"Authorization": f"Bearer {token}"}).status == 201


def test_the_command_prints_a_receipt(hub: ServedHub, capsys: pytest.CaptureFixture[str]) -> None:
    said = hub.say(f"the key is {SECRET}")
    assert main(["log", "erase", str(said), "--reason", REASON, "--agent", "ops", "--base-url", hub.url]) == 0
    out = capsys.readouterr().out
    assert f"erased the texts of {said}" in out
    assert "found in 0" in out
    assert SECRET not in out


def test_the_command_says_what_is_left_to_do(hub: ServedHub, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = hub.say(f"the key is {SECRET}"), hub.say(f"again: {SECRET}")
    command = ["log", "erase", "--reason", REASON, "--base-url", hub.url]
    assert main([*command, str(first)]) == 1
    assert f"erase them too, with arc log erase {second}\n" in capsys.readouterr().err
    backup = hub.hub.settings.storage.with_name("arc.sqlite3.backup")
    backup.write_text(SECRET)
    assert main([*command, str(second)]) == 1
    assert f"copies are left in {backup}: if that is a backup, delete it" in capsys.readouterr().err
