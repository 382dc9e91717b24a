"""An agent that may be idle is called from the page, and the page shows that it is on its way."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.telling import WITHIN_MS, register
from tests.support.hub_process import HubProcess

pytestmark = pytest.mark.outer


def called(hub: HubProcess) -> list[tuple[str, str]]:
    """Who was called, and by whom."""
    return [(wake["agent_id"], wake["from_agent"]) for wake in hub.get("/v1/wakes").result]


def test_an_agent_is_woken_by_its_button_and_counts_as_called_until_it_is_seen(hub: HubProcess, page: Page) -> None:
    register(hub, "ada")
    row = page.locator("arc-sessions li")
    expect(row).to_contain_text("ada", timeout=WITHIN_MS)
    row.hover()
    row.get_by_role("button", name="wake").click()
    expect(page.locator("#said p").last).to_have_text("ada is called", timeout=WITHIN_MS)
    expect(row.locator(".called")).to_be_visible(timeout=WITHIN_MS)
    assert called(hub) == [("ada", "human")]
    hub.call("POST", "/v1/agents/ada/wake", {"from_agent": "human"})
    wake_id = hub.get("/v1/wakes").result[0]["wake_id"]
    hub.call("POST", f"/v1/wakes/{wake_id}/ack", {"agent_id": "ada"})
    expect(row.locator(".called")).to_have_count(0, timeout=3_000)


def test_an_agent_is_woken_by_a_command_and_one_that_was_never_here_is_not(hub: HubProcess, page: Page) -> None:
    register(hub, "ada")
    field = page.get_by_role("textbox", name="Message", exact=True)
    for typed, said in (("/nick chief", "you are chief"), ("/wake ada", "ada is called"), ("/wake nobody", "nobody")):
        field.fill(typed)
        field.press("Enter")
        expect(page.locator("#said p").last).to_contain_text(said, timeout=WITHIN_MS)
    assert called(hub) == [("ada", "chief")]
    expect(page.locator("#said p").last).to_have_class("error")
    page.keyboard.press("Control+k")
    page.keyboard.type("/wake")
    expect(page.locator("arc-palette li")).to_contain_text(["/wake AGENT"])
