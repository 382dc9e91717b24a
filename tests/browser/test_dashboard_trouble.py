"""What is wrong with the hub itself shows at the top and in the strip."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import api.dashboard.attention
from tests.support.hub_process import HubProcess
from tests.support.postgresql import Server
from tests.support.served_hub import ServedHub, served_hub
from tests.support.tampering import build_storage, flip_bit, tampering
from tests.support.waiting import wait_until

pytestmark = pytest.mark.outer


class TestADamagedLog:
    @pytest.fixture
    def hub(self, tmp_path: Path) -> Iterator[ServedHub]:
        with tampering(build_storage(tmp_path / "arc.sqlite3", 60)) as connection:
            flip_bit(connection, 20, "data", 9)
        with served_hub(tmp_path) as hub:
            wait_until(lambda: hub.get("/v1/attention").result != [], what="the damage to be found")
            yield hub

    def test_shows_which_event_is_not_what_was_written(self, page: Page) -> None:
        expect(page.locator("#state")).to_have_attribute("data-state", "damaged")
        expect(page.locator("#state")).to_contain_text("the log is damaged: run arc log verify")
        item = page.locator('arc-attention li[data-kind="damage"]').first
        expect(item).to_contain_text("event 20")
        expect(item.locator(".advice")).to_have_text("run: arc log verify")


class TestADiskThatFills:
    @pytest.fixture
    def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedHub]:
        monkeypatch.setattr(api.dashboard.attention, "LOW_DISK_BYTES", 2**62)
        with served_hub(tmp_path) as hub:
            yield hub

    def test_shows_until_there_is_room(self, hub: ServedHub, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
        item = page.locator('arc-attention li[data-kind="disk"]')
        expect(item).to_contain_text("MB are left on the disk of the storage")
        expect(item.locator(".advice")).to_contain_text("make room")
        expect(page.locator("#state")).to_have_attribute("data-state", "damaged")
        monkeypatch.setattr(api.dashboard.attention, "LOW_DISK_BYTES", 0)
        hub.say("go on")
        expect(page.locator("arc-attention")).to_contain_text("Nothing needs you.", timeout=4_000)
        expect(page.locator("#state")).to_have_attribute("data-state", "live")


class TestALogOnPostgreSQL:
    @pytest.fixture
    def hub(self, log_url: str, start_hub: Callable[..., HubProcess]) -> HubProcess:
        return start_hub("--log", log_url)

    def test_shows_how_many_have_it_and_for_how_long_it_is_away(
        self, hub: HubProcess, server: Server, page: Page
    ) -> None:
        shown = page.locator("arc-engine")
        expect(shown).to_have_text("log on PostgreSQL: one copy only")
        assert "one copy only" in str(shown.get_attribute("title"))
        server.stop()
        try:
            expect(shown).to_have_text(re.compile(r"^log on PostgreSQL: away for \d+ s$"), timeout=20_000)
            assert hub.call("POST", "/v1/messages", {"from_agent": "ada", "body": "hi"}).status == 503
            expect(page.locator('arc-attention li[data-kind="hub"]')).to_contain_text(
                "the log cannot be reached", timeout=40_000
            )
        finally:
            server.start()
        expect(shown).to_have_text("log on PostgreSQL: one copy only", timeout=20_000)
        expect(page.locator("arc-attention")).to_contain_text("Nothing needs you.", timeout=40_000)
