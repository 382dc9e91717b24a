"""A lock shows once for each that holds it, however its path is spelled, and goes when it is given back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.telling import WITHIN_MS
from tests.support.hub_process import HubProcess

pytestmark = pytest.mark.outer


def lock(hub: HubProcess, agent: str, path: str, deed: str = "", **more: object) -> None:
    hub.call("POST", f"/v1/locks{deed}", {"agent_id": agent, "file_path": path, **more})


def expect_holders(page: Page, *agents: str) -> None:
    expect(page.locator("arc-leases li .agent")).to_have_text(list(agents), timeout=WITHIN_MS)


def test_a_shared_lock_shows_all_that_hold_it(hub: HubProcess, open_page: Callable[..., Page]) -> None:
    page = open_page()
    for agent in ("ada", "bea", "carl"):
        lock(hub, agent, "src/a.py", mode="shared")
    expect_holders(page, "ada", "bea", "carl")
    expect(page.locator("arc-leases .chip")).to_have_text(["shared lock"] * 3)
    expect_holders(open_page(), "ada", "bea", "carl")  # one that reads them sees the same as one that looked on
    lock(hub, "bea", "src/a.py", "/release")
    expect_holders(page, "ada", "carl")
    page.locator("arc-leases li .link").first.click()
    expect(page.locator("arc-details dialog")).to_contain_text("carl")
    page.keyboard.press("Escape")
    page.once("dialog", lambda dialog: dialog.accept("it is needed"))
    page.locator("arc-leases li").last.hover()
    page.locator("arc-leases li").last.get_by_role("button", name="free").click()
    expect_holders(page, "ada")


@pytest.mark.parametrize("is_open_before", [True, False])
def test_a_lock_is_one_however_its_path_is_spelled(
    hub: HubProcess, open_page: Callable[..., Page], is_open_before: bool
) -> None:
    page = open_page() if is_open_before else None
    lock(hub, "ada", "./src//a.py")
    page = page or open_page()
    expect_holders(page, "ada")
    page.locator("arc-leases li .link").first.click()
    expect(page.locator("arc-details .facts")).to_contain_text("src/a.py")
    page.keyboard.press("Escape")
    lock(hub, "ada", "src/a.py", "/release")
    expect_holders(page)
    lock(hub, "bea", "src/a.py")
    expect_holders(page, "bea")


def test_agents_that_work_close_together_show_by_folder(hub: HubProcess, page: Page) -> None:
    radar = page.locator("arc-radar")
    for agent, path in (("ada", "src/api/a.py"), ("ada", "src/api/b.py"), ("bea", "docs/a.md")):
        lock(hub, agent, path)
    expect(page.locator("arc-leases li")).to_have_count(3, timeout=WITHIN_MS)
    expect(radar).to_be_hidden()
    lock(hub, "bea", "src/api/c.py")
    expect(radar.locator("li")).to_contain_text("src/api", timeout=WITHIN_MS)
    expect(radar.locator("li .agent")).to_have_text(["ada", "bea"])
    lock(hub, "bea", "src/api/c.py", "/release")
    expect(radar).to_be_hidden(timeout=WITHIN_MS)
