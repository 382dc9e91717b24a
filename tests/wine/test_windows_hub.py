"""A hub on Windows: its client, its relay, its end, and several hubs on one file."""

import json
import sys
import time

import pytest

from arc import ArcClient
from tests.support.commands import run
from tests.support.hub_process import CHECKOUT
from tests.support.waiting import wait_until
from tests.support.windows_python import WindowsPython
from tests.support.windows_setup import as_windows_has_it

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

CLIENT = """
import sys
from arc import ArcClient
with ArcClient.quickstart("ada", base_url=sys.argv[1]) as ada:
    ada.post("general", "hello")
    print([message["body"] for message in ada.poll(timeout=0, exclude_self=False)])
with ArcClient.over_relay("bob", spool_dir=sys.argv[2]) as bob:
    bob.register()
    bob.post("general", "over files")
    print(bob.whoami()["agent_id"])
"""


def test_a_hub_that_is_killed_goes_on_where_it_was(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        sent = hub.post("/v1/messages", {"from_agent": "ada", "channel": "general", "body": "kept"}).result
    with windows.hub() as hub:
        assert hub.get(f"/v1/messages?channel=general&since_id={sent['id'] - 1}").result[0]["body"] == "kept"
        assert hub.get("/v1/health").result["status"] == "ok"
    verified = windows.arc("log", "verify")
    assert verified.code == 0, verified


def test_two_hubs_on_one_file_see_and_wake_each_other(windows: WindowsPython) -> None:
    with windows.hub() as one, windows.hub() as other:
        head = one.get("/v1/bootstrap?agent_id=eve").result["latest_visible_id"]
        for number in range(20):
            hub = (one, other)[number % 2]
            hub.post("/v1/messages", {"from_agent": "ada", "channel": "general", "body": str(number)})
        for hub in (one, other):
            seen = hub.get(f"/v1/messages?since_id={head}&channel=general").result
            assert [message["body"] for message in seen] == [str(number) for number in range(20)]
        lock = {"agent_id": "ada", "file_path": "src/a.py"}
        assert one.post("/v1/locks", lock).result["agent_id"] == "ada"
        assert other.post("/v1/locks", {**lock, "agent_id": "bob"}).result["agent_id"] == "ada"


def test_the_client_of_windows_speaks_over_http_and_over_files(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        program = windows.folder / "client.py"
        program.write_text(CLIENT)
        spool = as_windows_has_it(hub.spool_dir)
        done = windows.run(program, hub.url, spool, PYTHONPATH=as_windows_has_it(CHECKOUT))
        assert (done.code, done.out.split("\r\n")) == (0, ["['hello']", "bob", ""]), done


def test_a_sandbox_of_linux_reaches_a_hub_of_windows_over_files(windows: WindowsPython) -> None:
    with windows.hub() as hub, ArcClient.over_relay("eve", spool_dir=str(hub.spool_dir)) as eve:
        eve.register()
        began = time.monotonic()
        assert eve.post("general", "from a sandbox")["body"] == "from a sandbox"
        assert time.monotonic() - began < 5
        assert b"\r" not in b"".join(path.read_bytes() for path in hub.spool_dir.rglob("*.json"))


def test_a_relay_of_its_own_carries_files_to_a_hub(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        spool = windows.folder / "spool"
        relay = windows.start(
            "-P", CHECKOUT / "arc" / "__main__.py", "relay", "--base-url", hub.url, "--spool-dir", spool
        )
        try:
            wait_until((spool / "requests").exists, within_sec=30, what="the relay's folders")
            with ArcClient.over_relay("eve", spool_dir=str(spool)) as eve:
                assert eve.register()["agent_id"] == "eve"
        finally:
            relay.kill()
            relay.communicate()


def test_a_shutdown_over_http_ends_a_hub_well(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        assert hub.process is not None
        hub.post("/v1/shutdown", {"delay_sec": 0})
        assert hub.process.wait(30) == 0
    shown = run(sys.executable, "-P", CHECKOUT / "arc" / "__main__.py", "log", "show", "--json", cwd=windows.folder)
    assert "hub.stopped" in shown


def test_an_agent_of_any_name_is_served_or_refused(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        for name in ("nul", "con", "aux", "com1", "a."):
            folder = hub.spool_dir / "requests" / name
            folder.mkdir(parents=True)
            request = {"request_id": "nul", "agent_id": name, "method": "GET", "path": "/v1/hub-info", "body": None}
            (folder / "nul.json").write_text(json.dumps(request))
        assert hub.get("/v1/health").result["status"] == "ok"
        with ArcClient.over_relay("eve", spool_dir=str(hub.spool_dir)) as eve:
            assert eve.register()["agent_id"] == "eve"
