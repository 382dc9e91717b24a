"""Questions, queues and search: what waits for somebody shows, and what a person does wakes those who wait."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from arc import ArcClient
from tests.browser.telling import WITHIN_MS
from tests.support.hub_process import HubProcess

pytestmark = pytest.mark.outer


def test_a_question_is_answered_by_a_button_and_the_asker_wakes(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada, ThreadPoolExecutor(1) as pool:
        task = ada.add_task("migrate")
        assert ada.next_task() is not None
        ada.ask_person("Drop the old table?", options=["yes", "no"], for_task_id=task["id"])
        row = page.locator("arc-questions li")
        expect(row).to_contain_text("Drop the old table?", timeout=WITHIN_MS)
        waiting = pool.submit(ada.next_task, wait_sec=20)
        row.get_by_role("button", name="no", exact=True).click()
        picked = waiting.result(timeout=10)
        assert picked is not None
        assert picked["task"]["task_id"] == task["id"]
        assert [message["body"] for message in ada.inbox()] == ["no"]
    expect(page.locator("arc-questions")).to_be_hidden()


def test_a_question_is_answered_in_words_too(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada:
        asked = ada.ask_person("What shall I call it?")
        field = page.get_by_role("textbox", name=f"Answer to question {asked['id']}")
        field.fill("Arc")
        field.press("Enter")
        expect(page.locator("arc-questions")).to_be_hidden(timeout=WITHIN_MS)
        assert ada.get_question(asked["id"])["answer"] == "Arc"


def test_a_queue_shows_who_waits_and_moves_when_a_lock_is_given_back(hub: HubProcess, page: Page) -> None:
    with (
        ArcClient.quickstart("ada", hub.url) as ada,
        ArcClient.quickstart("grace", hub.url) as grace,
        ThreadPoolExecutor(1) as pool,
    ):
        ada.lock("src/a.py")
        waiting = pool.submit(grace.lock, "src/a.py", wait_sec=20)
        row = page.locator("arc-queue li")
        expect(row).to_contain_text("grace waits for src/a.py", timeout=WITHIN_MS)
        expect(page.locator("arc-leases li")).to_contain_text("1 waiting")
        row.get_by_role("button", name="src/a.py").click()
        expect(page.locator("arc-details dialog")).to_contain_text("number 1 in its turn, and waits for ada")
        page.keyboard.press("Escape")
        ada.unlock("src/a.py")
        assert waiting.result(timeout=10)["agent_id"] == "grace"
        expect(page.locator("arc-queue")).to_be_hidden(timeout=WITHIN_MS)
        expect(page.locator("arc-leases li .agent")).to_have_text("grace")


def test_the_past_shows_who_waited_and_what_was_asked(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada:
        ada.lock("src/a.py")
        asked = ada.ask_person("Now?")
        hub.call("POST", "/v1/locks", {"agent_id": "grace", "file_path": "src/a.py", "wait_sec": 0.2})
        then = hub.get("/v1/health").result["head"]
        ada.unlock("src/a.py")
        hub.call("POST", f"/v1/questions/{asked['id']}/answer", {"agent_id": "human", "answer": "later"})
        field = page.get_by_role("textbox", name="Message", exact=True)
        field.fill(f"/at {then}")
        field.press("Enter")
        expect(page.locator("#state")).to_have_attribute("data-state", "past", timeout=WITHIN_MS)
        expect(page.locator("arc-questions li")).to_contain_text("Now?", timeout=WITHIN_MS)
        expect(page.locator("arc-questions form")).to_have_count(0)
        expect(page.locator("arc-queue li")).to_contain_text("grace waits for src/a.py")


def test_messages_are_found_by_their_words(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada:
        ada.post("general", "The lexer <b>stumbles</b> over tabs")
        ada.post("general", "Lunch?")
    page.get_by_role("searchbox", name="Search messages").fill("lexer tabs")
    page.get_by_role("searchbox", name="Search messages").press("Enter")
    hits = page.locator("arc-details .hits li")
    expect(hits).to_have_count(1, timeout=WITHIN_MS)
    expect(hits).to_contain_text("The lexer <b>stumbles</b> over tabs")
    expect(hits.locator("mark")).to_have_text(["lexer", "tabs"])


def test_what_changed_between_two_moments_is_told_as_a_digest(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada:
        page.get_by_role("button", name="Compare with this event").click()
        ada.dm("human", "The build is red")
        expect(page.locator("arc-log")).to_contain_text("The build is red", timeout=WITHIN_MS)
    page.get_by_role("button", name="What changed from").click()
    expect(page.locator("arc-details .digest li").first).to_contain_text("The build is red", timeout=WITHIN_MS)


def test_work_tells_what_it_comes_after_and_messages_whether_they_were_acknowledged(
    hub: HubProcess, page: Page
) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada, ArcClient.quickstart("bea", hub.url) as bea:
        first = ada.add_task("lexer")["id"]
        ada.add_task("grammar", depends_on=[first])
        expect(page.locator("arc-tasks li").nth(1)).to_contain_text(f"after {first}", timeout=WITHIN_MS)
        asked = ada.dm("bea", "Stop writing", ack=True)["id"]
        page.locator("arc-messages select").select_option(label="to bea")
        page.locator("arc-messages .ack").click()
        dialog = page.locator("arc-details dialog")
        expect(dialog).to_contain_text("bea has not acknowledged it yet")
        page.keyboard.press("Escape")
        bea.acknowledge(asked)
        page.locator("arc-messages .ack").click()
        expect(dialog).to_contain_text("bea acknowledged it at")


def test_a_direct_message_keeps_its_lines(hub: HubProcess, page: Page) -> None:
    field = page.get_by_role("textbox", name="Message", exact=True)
    field.fill("/dm ada first  line\n  second line")
    field.press("Enter")
    expect(page.locator("#said p").last).to_have_text("sent to ada", timeout=WITHIN_MS)
    assert hub.get("/v1/inbox/ada").result[-1]["body"] == "first  line\n  second line"
