"""Each thing that needs a person is caused, shows in the strip with what to do, and goes when it is done."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.telling import register, say
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.outer

PRESENCE_TTL_SEC = 5
SOON_MS = 4_000
"""How soon the strip shows what an event brought: it is read every 2.5 s at most."""
LATER_MS = 45_000
"""How soon it shows what time alone brought: it is looked at every 30 s."""


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A hub that bears silence for a short time."""
    return start_hub("--presence-ttl-sec", str(PRESENCE_TTL_SEC))


@pytest.fixture(autouse=True)
def _calm(page: Page) -> Iterator[None]:
    """The strip is empty before, and when all is done."""
    strip = page.locator("arc-attention")
    expect(strip).to_contain_text("Nothing needs you.")
    yield
    expect(strip).to_contain_text("Nothing needs you.", timeout=SOON_MS)
    expect(page).to_have_title("Arc")


def expect_item(page: Page, kind: str, text: str, advice: str, within_ms: int = SOON_MS) -> None:
    item = page.locator(f'arc-attention li[data-kind="{kind}"]')
    expect(item).to_contain_text(text, timeout=within_ms)
    expect(item.locator(".advice")).to_contain_text(advice)
    expect(page).to_have_title("(1) Arc")


def lock(hub: HubProcess, agent: str, path: str, **more: object) -> None:
    hub.call("POST", "/v1/locks", {"agent_id": agent, "file_path": path, "ttl_sec": 600, **more}, timeout=90)


def release(hub: HubProcess, agent: str, path: str) -> None:
    hub.call("POST", "/v1/locks/release", {"agent_id": agent, "file_path": path})


@contextmanager
def waiting(hub: HubProcess, agent: str, path: str) -> Iterator[None]:
    """An agent waits for a lock until it is given back."""
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(lock, hub, agent, path, wait_sec=60)
        try:
            wait_until(lambda: bool(hub.get("/v1/locks/queue").result), what="somebody in the queue")
            yield
        finally:
            call.result(timeout=70)


def test_a_holder_that_does_nothing_while_another_waits(hub: HubProcess, page: Page) -> None:
    lock(hub, "ada", "src/a.py")
    with waiting(hub, "bea", "src/a.py"):
        text = "bea waits for src/a.py, and ada, which holds it, does nothing"
        expect_item(page, "stuck", text, "free it", LATER_MS)
        page.locator('arc-attention [data-kind="stuck"] .link').click()
        expect(page.locator("arc-details h2")).to_contain_text("src/a.py")
        page.once("dialog", lambda dialog: dialog.accept("it sleeps"))
        page.locator("arc-details").get_by_role("button", name="free").click()
        page.keyboard.press("Escape")
    release(hub, "bea", "src/a.py")


def test_agents_that_want_what_the_other_has(hub: HubProcess, page: Page) -> None:
    lock(hub, "ada", "src/a.py")
    lock(hub, "bea", "docs")
    with waiting(hub, "bea", "src/a.py"):
        lock(hub, "ada", "docs", wait_sec=60)
        text = "ada may not wait for docs, which bea has: bea waits for src/a.py, which ada has"
        expect_item(page, "deadlock", text, "ask one of them to give it back")
        release(hub, "ada", "src/a.py")


def test_a_request_to_an_agent_that_is_not_here(hub: HubProcess, page: Page) -> None:
    say(hub, "ada", "Please review", to_agent="zed", kind="task_request")
    expect_item(page, "dark", "zed is not here, and ada waits for it: Please review", "start it again")
    register(hub, "zed")


def test_an_agent_that_was_called_and_did_not_answer(hub: HubProcess, page: Page) -> None:
    register(hub, "bob")
    wake = hub.call("POST", "/v1/agents/bob/wake", {"from_agent": "ada"}).result["wake_id"]
    for turn in ("harness", "watch"):
        report = {"agent_id": "bob", "turn": turn, "road": "inbox", "failed": "refused"}
        hub.call("POST", f"/v1/wakes/{wake}/report", report)
    expect_item(page, "dark", "bob does not answer", "look at its window")
    say(hub, "bob", "here again")


@pytest.mark.parametrize("deed", ["reopen", "cancel"])
def test_a_task_that_failed(hub: HubProcess, page: Page, deed: str) -> None:
    task = say(hub, "ada", "Fuzz the grammar", kind="task")
    hub.call("POST", f"/v1/tasks/{task}/fail", {"agent_id": "ada", "reason": "no corpus"})
    expect_item(page, "failed", "a task of ada failed: Fuzz the grammar", "reopen it, or cancel it")
    page.locator('arc-attention [data-kind="failed"] .link').click()
    page.locator("arc-details").get_by_role("button", name=deed).click()


def test_a_message_that_was_not_acknowledged_in_time(hub: HubProcess, page: Page) -> None:
    message = say(hub, "ada", "Stop writing", to_agent="zed", ack_within_sec=0.1)
    say(hub, "ada", "anything")
    expect_item(page, "overdue", "zed has not acknowledged a message of ada in time", "tell another agent", LATER_MS)
    hub.call("POST", "/v1/inbox/zed/ack", {"ids": [message]})


def test_a_question_stands_with_its_answers(hub: HubProcess, page: Page) -> None:
    asked = say(hub, "ada", "Drop it?", to_agent="human", kind="task_request", options=["yes", "no"])
    expect(page.locator("arc-questions li")).to_contain_text("Drop it?", timeout=SOON_MS)
    expect(page).to_have_title("(1) Arc", timeout=SOON_MS)
    hub.call("POST", f"/v1/questions/{asked}/answer", {"agent_id": "human", "answer": "no"})
    expect(page.locator("arc-questions")).to_be_hidden(timeout=SOON_MS)


def test_what_looks_like_a_key(hub: HubProcess, page: Page) -> None:
    said = say(hub, "ada", "use AKIAQ3EGXQ7ZPLMNOPQR for it")
    expect_item(page, "secret", "a message of ada holds what looks like a key", "have the message erased")
    hub.call("POST", "/v1/log/erase", {"ids": [said], "reason": "leaked", "agent_id": "human"})
