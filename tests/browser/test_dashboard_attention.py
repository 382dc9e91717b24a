"""What needs a person is said once, aloud if it was asked for, and reached by the keyboard."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, Route, expect

from arc import ArcClient
from tests.browser.telling import WITHIN_MS
from tests.support.hub_process import HubProcess

pytestmark = pytest.mark.outer

HOSTILE = "<img src=x onerror=alert(1)> \u202egnp.exe [brackets] lexer"
SHOWN = "<img src=x onerror=alert(1)> ⟨202e⟩gnp.exe [brackets] lexer"


def test_a_question_stands_once_with_its_answers(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada:
        ada.ask_person("Drop it?", options=["yes", "no"])
        expect(page.locator("arc-questions li")).to_contain_text("Drop it?", timeout=WITHIN_MS)
        expect(page.locator("arc-attention")).to_contain_text("Nothing else needs you.", timeout=3_000)
        expect(page).to_have_title("(1) Arc")
        ada.dm("zed", "Are you there?", kind="task_request")
        expect(page.locator("arc-attention li")).to_have_count(1, timeout=3_000)
        expect(page.locator("arc-attention li")).to_contain_text("zed is not here")


def test_what_needs_a_person_leads_to_the_thing_itself(hub: HubProcess, page: Page) -> None:
    with ArcClient.quickstart("ada", hub.url) as ada:
        task = ada.add_task("fuzz the grammar")["id"]
        hub.call("POST", f"/v1/tasks/{task}/fail", {"agent_id": "ada", "reason": "no corpus"})
        hub.call(
            "POST",
            "/v1/messages",
            {"from_agent": "ada", "to_agent": "zed", "body": "stop writing", "ack_within_sec": 0.1},
        )
    page.reload()
    dialog = page.locator("arc-details dialog")
    for kind, told in (("failed", "fuzz the grammar"), ("overdue", "stop writing")):
        page.locator(f'arc-attention li[data-kind="{kind}"] .link').click()
        expect(dialog).to_contain_text(told)
        expect(dialog).not_to_contain_text("Not there")
        page.keyboard.press("Escape")


def test_keys_and_the_palette_reach_questions_and_queues(hub: HubProcess, page: Page) -> None:
    with (
        ArcClient.quickstart("ada", hub.url) as ada,
        ArcClient.quickstart("grace", hub.url) as grace,
        ThreadPoolExecutor(1) as pool,
    ):
        ada.lock("src/a.py")
        for body in ("first?", "second?"):
            ada.ask_person(body)
        waiting = pool.submit(grace.lock, "src/a.py", wait_sec=30)
        expect(page.locator("arc-queue li")).to_have_count(1, timeout=3_000)
        expect(page.locator("arc-questions li")).to_have_count(2)
        page.keyboard.press("7")
        page.keyboard.press("j")
        focused = "document.activeElement.closest('li').textContent"
        assert "second?" in page.evaluate(focused)
        page.keyboard.press("8")
        assert "src/a.py" in page.evaluate(focused)
        assert page.evaluate("document.activeElement.closest('arc-queue') !== null")
        for typed, shown in (("question second", "question"), ("grace waits", "place")):
            page.keyboard.press("Control+k")
            page.keyboard.type(typed)
            page.keyboard.press("Enter")
            expect(page.locator("arc-details h2")).to_contain_text(shown)
            page.keyboard.press("Escape")
        ada.unlock("src/a.py")
        waiting.result(timeout=20)


def test_hostile_questions_options_and_hits_change_nothing(hub: HubProcess, page: Page) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    with ArcClient.quickstart("ada", hub.url) as ada:
        ada.ask_person(HOSTILE, options=["<b>yes</b>", "x" * 150])
        ada.post("general", HOSTILE)
    row = page.locator("arc-questions li")
    expect(row).to_contain_text(SHOWN, timeout=WITHIN_MS)
    expect(row.get_by_role("button", name="<b>yes</b>")).to_be_visible()
    page.get_by_role("searchbox").fill("lexer")
    page.get_by_role("searchbox").press("Enter")
    hit = page.locator("arc-details .hits li").first
    expect(hit).to_contain_text(SHOWN, timeout=WITHIN_MS)
    expect(hit.locator("mark")).to_have_text(["lexer"])
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("<img")
    expect(page.locator("arc-palette li").first).to_contain_text("question")
    assert page.locator("body img, main script, arc-questions b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_desktop_notification_is_asked_for_and_then_sent(hub: HubProcess, page: Page) -> None:
    page.add_init_script("""
        window.sent = [];
        window.Notification = class {
            static permission = "default";
            static async requestPermission() { return (this.permission = "granted"); }
            constructor(title) { window.sent.push(title); }
        };
        Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    """)
    page.reload()
    with ArcClient.quickstart("ada", hub.url) as ada:
        expect(page.locator("arc-attention")).to_contain_text("Nothing needs you.")
        button = page.get_by_role("button", name="notify me")
        button.click()
        expect(button).to_be_hidden()
        ada.ask_person("Drop it?")
        page.wait_for_function("() => window.sent.length === 1", timeout=5_000)
        assert "Drop it?" in page.evaluate("window.sent[0]")


@pytest.mark.parametrize(
    ("kind", "text"), [("damage", "event 7 is not what was recorded"), ("disk", "12 MB are left on the disk")]
)
def test_a_damaged_log_or_a_full_disk_shows_at_the_top(page: Page, kind: str, text: str) -> None:
    item = {"kind": kind, "entity": "", "event_id": 0, "since": None, "text": text, "advice": "do something"}

    def answer(route: Route) -> None:
        route.fulfill(json={"ok": True, "result": [item]})

    page.route("**/v1/attention*", answer)
    page.reload()
    expect(page.locator("#state")).to_have_attribute("data-state", "damaged")
    expect(page.locator("#state")).to_contain_text(text)
    expect(page.locator("arc-attention li")).to_contain_text("do something")
