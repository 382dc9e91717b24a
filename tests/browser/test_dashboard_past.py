"""Every panel of the page shows the moment that the slider names."""

import random
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.outer


def build_history(hub: HubProcess, seed: int = 7) -> int:
    """Some agents that talk, lock and work; gives the last event."""
    chance = random.Random(seed)  # noqa: S311 - a history that can be told again
    agents = ["ada", "bea", "cyd", "dov"]
    for agent in agents:
        hub.call("POST", "/v1/sessions", {"agent_id": agent, "replace": True})
    tasks: list[int] = []
    for number in range(120):
        agent, path = chance.choice(agents), f"src/{chance.randrange(6)}.py"
        match chance.randrange(5):
            case 0 | 1:
                hub.call("POST", "/v1/messages", {"from_agent": agent, "body": f"word {number}"})
            case 2:
                hub.call("POST", "/v1/locks", {"agent_id": agent, "file_path": path, "ttl_sec": 3600})
            case 3:
                hub.call("POST", "/v1/locks/release", {"agent_id": agent, "file_path": path})
            case 4 if tasks and chance.random() < 0.5:
                hub.call("POST", f"/v1/tasks/{tasks.pop(0)}/complete", {"agent_id": agent})
            case _:
                task = {"from_agent": agent, "kind": "task", "body": f"task {number}"}
                tasks.append(hub.call("POST", "/v1/messages", task).result["id"])
    head: int = hub.call("GET", "/v1/health").result["head"]
    return head


def show(page: Page, event_id: int) -> None:
    """Move the slider, and wait until every panel has followed."""
    page.evaluate(
        """async (event) => {
            await (await import('/dashboard/world.js')).world.goTo(event);
            for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
        }""",
        event_id,
    )
    expect(page.locator("arc-scrubber output")).to_contain_text(re.compile(f"event {event_id} of"))


def test_fifty_points_of_the_slider_show_what_the_hub_says_of_them(hub: HubProcess, page: Page) -> None:
    head = build_history(hub)
    page.reload()
    page.wait_for_selector('#state[data-state="live"]')
    chance = random.Random(11)  # noqa: S311
    for event_id in [0, 1, *(chance.randrange(2, head) for _ in range(47)), head]:
        show(page, event_id)
        at = f"as_of={event_id}"
        locks = hub.call("GET", f"/v1/locks?active_only=1&{at}").result
        expect(page.locator("arc-leases li")).to_have_count(len(locks))
        shown = sorted(page.locator("arc-leases li > .link:nth-child(2)").all_inner_texts())
        assert shown == sorted(lock["file_path"] for lock in locks)
        agents = hub.call("GET", f"/v1/agents?{at}").result
        expect(page.locator("arc-sessions li")).to_have_count(len(agents))
        tasks = hub.call("GET", f"/v1/tasks?status=open&{at}").result
        expect(page.locator("arc-tasks li")).to_have_count(len(tasks))
        if event_id > 1:
            said = hub.call("GET", f"/v1/messages?channel=general&tail=1&{at}").result
            expect(page.locator("arc-messages li.message")).to_have_count(len(said))
            if said:
                expect(page.locator("arc-messages li.message").last).to_contain_text(said[-1]["body"])
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    expect(page.locator("arc-leases li")).to_have_count(len(hub.call("GET", "/v1/locks?active_only=1").result))


def test_nothing_can_be_done_in_the_past(hub: HubProcess, page: Page) -> None:
    build_history(hub)
    show(page, 40)
    expect(page.locator(".does")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_be_hidden()


def test_steps_go_by_event_by_agent_and_by_thing(hub: HubProcess, page: Page) -> None:
    build_history(hub)
    show(page, 20)
    page.get_by_role("button", name="One step forward").click()
    expect(page.locator("arc-scrubber output")).to_contain_text("event 21 of")
    page.get_by_label("Step through").select_option("actor")
    actor = hub.call("GET", "/v1/log/21").result["event"]["actor"]
    following = hub.call("GET", f"/v1/log?after=21&limit=1&actor={actor}").result[0]["event_id"]
    page.get_by_role("button", name="One step forward").click()
    expect(page.locator("arc-scrubber output")).to_contain_text(f"event {following} of")


def test_a_link_to_an_event_opens_its_moment(hub: HubProcess, open_page: Callable[..., Page]) -> None:
    build_history(hub)
    page = open_page(path="/#event=30")
    expect(page.locator("arc-scrubber output")).to_contain_text("event 30 of")
    expect(page.locator("#state")).to_have_attribute("data-state", "past")


def test_a_lock_leads_to_its_history_and_an_event_to_what_it_changed(hub: HubProcess, page: Page) -> None:
    hub.call("POST", "/v1/locks", {"agent_id": "ada", "file_path": "src/a.py"})
    page.locator("arc-leases li .link").first.click()
    dialog = page.locator("arc-details dialog")
    expect(dialog).to_contain_text("lock.acquired")
    dialog.locator(".timeline .link").first.click()
    expect(dialog).to_contain_text("What it changed")
    expect(dialog.locator("ins").first).to_contain_text("file_path")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_plot_of_a_page_that_stays_open_is_made_anew_when_something_happened(hub: HubProcess, page: Page) -> None:
    page.clock.install()
    page.reload()
    page.clock.run_for(2_000)
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    hub.call("POST", "/v1/messages", {"from_agent": "ada", "body": "later"})
    head = hub.get("/v1/health").result["head"]

    def has_seen() -> bool:
        page.clock.run_for(50)
        return bool(page.evaluate("async () => (await import('/dashboard/world.js')).world.head") == head)

    wait_until(has_seen, what="the page to see the message")
    with page.expect_request("**/v1/log/timeline*"):
        page.clock.run_for(61_000)
