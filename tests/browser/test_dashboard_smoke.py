"""The page opens and lives: the one test of the browser that runs with all others."""

from playwright.sync_api import Page, expect

from tests.browser.telling import WITHIN_MS, register, say
from tests.support.hub_process import HubProcess


def test_two_agents_talk_and_it_shows_within_a_second(hub: HubProcess, page: Page) -> None:
    register(hub, "ada")
    say(hub, "ada", "is anybody in the parser?")
    expect(page.locator("arc-messages li.message")).to_contain_text("is anybody in the parser?", timeout=WITHIN_MS)
    register(hub, "bea")
    say(hub, "bea", "I am")
    expect(page.locator("arc-messages li.message").last).to_contain_text("I am", timeout=WITHIN_MS)
    expect(page.locator("arc-sessions li")).to_have_count(2, timeout=WITHIN_MS)
    expect(page.locator("arc-log li").last).to_contain_text("message.posted")
