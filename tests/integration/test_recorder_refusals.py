"""What cannot be kept or is too long is refused as bad input, and nothing of it is in the log."""

from pathlib import Path

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim
from arclog.deciders.fields import Limits
from arclog.deciders.locks import AcquireLock
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import InvalidInput, NotFound
from arclog.events.messages import CodeAttachment, TextAttachment
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from tests.support.recorders import post, recording


@pytest.mark.parametrize(
    "command",
    [
        post("a\ud800"),
        post(body="\ud800"),
        post(to_agent="\udfff"),
        post(channel="\ud800"),
        post(thread_id="\ud800"),
        post(kind="\ud800"),
        post(attachments=[TextAttachment("\ud800")]),
        post(attachments=[CodeAttachment("x", language="\ud800")]),
        post(metadata={"a": "\ud800"}),
        OpenSession(agent_id="\ud800"),
        OpenSession(agent_id="a", capabilities=["\ud800"]),
        RenameSession(agent_id="\ud800", display_name="Bo"),
        CreateChannel(name="\ud800"),
        AcquireClaim(owner_agent_id="a", claim_key="\ud800"),
        AcquireLock(agent_id="a", file_path="\ud800"),
        AcquireLock(agent_id="\ud800", file_path="p"),
        CompleteTask(task_id=1, agent_id="\ud800"),
    ],
)
@pytest.mark.parametrize("key", [None, "key"])
def test_half_a_surrogate_pair_is_bad_input_wherever_it_stands(
    recorder: Recorder, command: Command, key: str | None
) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        recorder.execute(command, "http", key, b"hash")
    assert recorder.last_event_id == 2


def test_half_a_surrogate_pair_names_no_session(recorder: Recorder) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        recorder.execute(CloseSession(session_id="\ud800"))


def test_a_hub_holds_messages_to_its_own_limits(storage: Path) -> None:
    with recording(storage, limits=Limits(max_body_chars=3)) as recorder:
        assert recorder.execute(post(body="abc")).created
        with pytest.raises(InvalidInput, match="at most 3 characters"):
            recorder.execute(post(body="abcd"))
