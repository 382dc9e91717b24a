"""What happens at the hub shows on the page by itself, and what is done on the page happens at the hub."""

import re
from collections.abc import Callable
from email.message import Message
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.telling import WITHIN_MS, say
from tests.support.hub_process import HubProcess

pytestmark = pytest.mark.outer


def fetch(hub: HubProcess, accept: str) -> tuple[Message, bytes]:
    with urlopen(Request(hub.url, headers={"Accept": accept})) as answer:  # noqa: S310 - a hub of ours
        return answer.headers, answer.read()


def test_a_lock_appears_runs_down_and_goes(hub: HubProcess, page: Page) -> None:
    hub.call("POST", "/v1/locks", {"agent_id": "ada", "file_path": "src/a.py", "ttl_sec": 5})
    row = page.locator("arc-leases li")
    expect(row).to_contain_text("src/a.py", timeout=WITHIN_MS)
    expect(row.locator("[data-expires]")).to_have_text(re.compile(r"^[0-3] s$"), timeout=5_000)
    expect(row).to_have_count(0, timeout=8_000)


def test_a_task_is_added_done_and_struck_out(hub: HubProcess, page: Page) -> None:
    page.fill("arc-tasks input", "write the lexer")
    page.press("arc-tasks input", "Enter")
    row = page.locator("arc-tasks li")
    expect(row).to_contain_text("write the lexer", timeout=WITHIN_MS)
    row.hover()
    row.get_by_role("button", name="done").click()
    expect(row).to_have_attribute("data-state", "done", timeout=WITHIN_MS)
    assert [task["status"] for task in hub.call("GET", "/v1/tasks").result] == ["done"]


def test_what_is_typed_is_posted_by_the_operators_name(hub: HubProcess, page: Page) -> None:
    field = page.get_by_role("textbox", name="Message", exact=True)
    field.fill("/nick chief")
    field.press("Enter")
    field.fill("stop at noon")
    field.press("Enter")
    expect(page.locator("arc-messages li.message").last).to_contain_text("stop at noon", timeout=WITHIN_MS)
    message = hub.call("GET", "/v1/messages?channel=general&tail=1").result[-1]
    assert (message["from_agent"], message["body"]) == ("chief", "stop at noon")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/channels", "#general"),
        ("/create-channel room", None),
        ("/dm ada look  here", "sent to ada"),
        ("/network on", "cannot be switched on"),
        ("/quit 600", "stops in 600 s"),
        ("/nonsense", "there is no /nonsense"),
    ],
)
def test_the_commands_of_011_work(page: Page, typed: str, said: str | None) -> None:
    field = page.get_by_role("textbox", name="Message", exact=True)
    field.fill(typed)
    field.press("Enter")
    if said is None:
        expect(page.locator("arc-messages select")).to_have_value(re.compile("room"))
    else:
        expect(page.locator("#said p").last).to_contain_text(re.compile(said), timeout=WITHIN_MS)


def test_a_lock_is_freed_by_the_operator(hub: HubProcess, page: Page) -> None:
    hub.call("POST", "/v1/locks", {"agent_id": "ada", "file_path": "src/a.py"})
    page.on("dialog", lambda dialog: dialog.accept("she is gone"))
    row = page.locator("arc-leases li")
    row.hover()
    row.get_by_role("button", name="free").click()
    expect(row).to_have_count(0, timeout=WITHIN_MS)
    assert hub.call("GET", "/v1/locks?active_only=1").result == []


def test_a_question_to_the_operator_stands_in_the_strip_until_it_is_answered(hub: HubProcess, page: Page) -> None:
    expect(page.locator("arc-attention")).to_contain_text("Nothing needs you.")
    asked = say(hub, "mira", "May I drop 3.10?", to_agent="human", kind="task_request")
    expect(page.locator("arc-questions li")).to_contain_text("May I drop 3.10?", timeout=3_000)
    say(hub, "human", "yes", to_agent="mira", kind="task_result", reply_to=asked)
    expect(page.locator("arc-attention")).to_contain_text("Nothing needs you.", timeout=3_000)


def test_the_page_recovers_from_a_restart_of_the_hub_without_a_gap(hub: HubProcess, page: Page) -> None:
    say(hub, "ada", "before")
    hub.kill()
    expect(page.locator("#state")).to_have_attribute("data-state", "reconnecting", timeout=10_000)
    hub.start()
    say(hub, "ada", "after")
    expect(page.locator("arc-messages li.message")).to_have_count(2, timeout=15_000)
    expect(page.locator("#state")).to_have_attribute("data-state", "live")


def test_names_and_bodies_of_an_attacker_change_nothing(hub: HubProcess, open_page: Callable[..., Page]) -> None:
    say(hub, "<b>ada</b>", "<img src=x onerror=alert(1)> \u202egnp.exe \u001b[31m " + "x" * 100_000)
    hub.call("POST", "/v1/locks", {"agent_id": 'a"><script>', "file_path": "src/<script>alert(2)</script>.py"})
    page = open_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    message = page.locator("arc-messages li.message").last
    expect(message).to_contain_text("<img src=x onerror=alert(1)> ⟨202e⟩gnp.exe ⟨001b⟩[31m")
    assert page.locator("main img, main script, main b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_only_the_pages_own_files_may_run(hub: HubProcess) -> None:
    headers, body = fetch(hub, "text/html")
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert b"<script>" not in body
    assert b"style=" not in body


def test_a_program_gets_a_few_lines_of_text(hub: HubProcess) -> None:
    headers, body = fetch(hub, "*/*")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert b"/openapi.json" in body
