"""A hub that ended in good order leaves its storage in one file."""

from tests.support.hub_process import HubProcess


def test_a_stopped_hub_leaves_everything_in_the_one_file(hub: HubProcess) -> None:
    hub.post("/v1/messages", {"from_agent": "ada", "body": "hello"})
    assert hub.stop() == 0
    assert not hub.storage.with_name("arc.sqlite3-wal").exists()
    assert b"hello" in hub.storage.read_bytes()
