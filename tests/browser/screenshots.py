"""Pictures of the dashboard's main states, of a hub with a story in it: `make screenshots`.

The one in the README is a copy of `dashboard.png`.
"""

import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

FOLDER = Path("build/pictures")

PARSER = "parser"


def tell_story(hub: HubProcess) -> None:
    """Eight agents rewrite a parser; one waits for a lock, two ask a person, one has gone, one task has failed."""

    def post(path: str, **body: object) -> int:
        result = hub.call("POST", path, body).result
        return int(result.get("id") or result.get("fencing_token") or 0)

    def say(agent: str, body: str, **more: object) -> int:
        return post("/v1/messages", from_agent=agent, body=body, **more)

    for agent in ("ada", "bea", "claude-3f2a", "codex-91", "gemini-7c", "mira", "otto"):
        post("/v1/sessions", agent_id=agent, replace=True)
    post("/v1/channels", name=PARSER, created_by="ada")
    whole = say("ada", "Rewrite the parser", kind="task", thread_id=PARSER)
    steps = [
        say("ada", title, kind="task", thread_id=PARSER, parent_task_id=whole)
        for title in (
            "Lexer: numbers and strings",
            "Grammar: precedence climbing",
            "Errors that say where",
            "Benchmarks",
        )
    ]
    say("bea", "I take the lexer.", thread_id=PARSER)
    post("/v1/claims", owner_agent_id="bea", task_message_id=steps[0], thread_id=PARSER, ttl_sec=1800)
    post("/v1/locks", agent_id="bea", file_path="src/parser/lexer.py", ttl_sec=1500)
    post("/v1/claims", owner_agent_id="codex-91", task_message_id=steps[1], thread_id=PARSER, ttl_sec=1800)
    post("/v1/locks", agent_id="codex-91", file_path="src/parser/grammar.py", ttl_sec=900)
    say("otto", "Errors: done, 14 tests. They name line and column now.", thread_id=PARSER)
    hub.call("POST", f"/v1/tasks/{steps[2]}/complete", {"agent_id": "otto"})
    post("/v1/locks", agent_id="claude-3f2a", file_path="src/api/routes.py", ttl_sec=600)
    post("/v1/locks", agent_id="gemini-7c", file_path="src/api/server.py", ttl_sec=1200)
    post("/v1/locks", agent_id="mira", file_path="docs/grammar.md", ttl_sec=300)
    hub.call("POST", "/v1/locks", {"agent_id": "ada", "file_path": "src/parser/lexer.py"})
    say("ada", "bea, I need lexer.py for two lines. Tell me when you are through?", to_agent="bea")
    say("codex-91", "Found it: the off-by-one is in peek(), not in advance().", thread_id=PARSER)
    code = {
        "type": "code",
        "language": "python",
        "content": "def peek(self) -> str:\n    return self.text[self.at : self.at + 1]",
    }
    say("codex-91", "Here is the patch.", thread_id=PARSER, attachments=[code])
    say("gemini-7c", "Server tests are green on my side.")
    say("claude-3f2a", "Routes are data now. Review welcome, nothing else depends on it yet.")
    say(
        "claude-3f2a",
        "Which shape shall errors have?",
        to_agent="human",
        kind="task_request",
        options=["RFC 9457", "ours"],
    )
    say("mira", "May I drop Python 3.10 from the matrix?", to_agent="human", kind="task_request", urgency="urgent")
    fuzzing = say("otto", "Fuzz the old grammar", kind="task", thread_id=PARSER)
    hub.call("POST", f"/v1/tasks/{fuzzing}/fail", {"agent_id": "otto", "reason": "the corpus is not here"})
    say("ada", "Stop writing to grammar.py until I say so.", to_agent="codex-91", ack_within_sec=1)
    say("bea", "Please review the lexer when you are back.", to_agent="zed", kind="task_request")
    say("bea", "Lexer: strings are in, numbers next. Ten minutes.", thread_id=PARSER)


def wait_in_line(hub: HubProcess) -> None:
    """Two agents wait for locks as long as the hub is there."""

    def wait(agent: str, path: str) -> None:
        with suppress(OSError, HTTPException, ValueError):
            hub.call("POST", "/v1/locks", {"agent_id": agent, "file_path": path, "wait_sec": 300}, timeout=330)

    for agent, path in (("ada", "src/parser/lexer.py"), ("otto", "src/parser/lexer.py")):
        threading.Thread(target=wait, args=(agent, path), daemon=True).start()
        wait_until(partial(_waits, hub, agent), within_sec=10, what=f"{agent} in the queue")


def _waits(hub: HubProcess, agent: str) -> bool:
    return any(place["agent_id"] == agent for place in hub.get("/v1/locks/queue").result)


def _past(page: Page) -> None:
    page.evaluate("async () => (await import('/dashboard/world.js')).world.goTo(24)")


def _details(page: Page) -> None:
    page.locator("arc-leases li .link").first.click()


def _palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("par")


def _event(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new CustomEvent('arc-show', { detail: 'event/23' }))")


def _search(page: Page) -> None:
    page.get_by_role("searchbox").fill("lexer")
    page.get_by_role("searchbox").press("Enter")


def _digest(page: Page) -> None:
    _past(page)
    page.get_by_role("button", name="What changed since").click()


def _agents(page: Page) -> None:
    page.locator('nav [data-panel="arc-sessions"]').click()


def _locks(page: Page) -> None:
    page.locator('nav [data-panel="arc-leases"]').click()


Shot = tuple[str, int, int, str, Callable[[Page], None] | None]

SHOTS: tuple[Shot, ...] = (
    ("dashboard", 1280, 800, "light", None),
    ("dark", 1280, 800, "dark", None),
    ("wide", 1920, 1000, "light", None),
    ("narrow", 390, 800, "light", None),
    ("narrow-agents", 390, 800, "dark", _agents),
    ("narrow-locks", 390, 800, "light", _locks),
    ("past", 1280, 800, "light", _past),
    ("details", 1280, 800, "light", _details),
    ("event", 1280, 800, "light", _event),
    ("search", 1280, 800, "light", _search),
    ("digest", 1280, 800, "light", _digest),
    ("palette", 1280, 800, "dark", _palette),
)


def _take(browser: Browser, hub: HubProcess, folder: Path, shot: Shot) -> None:
    name, width, height, scheme, act = shot
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.goto(hub.url)
    page.wait_for_selector('#state[data-state="live"]')
    page.wait_for_timeout(400)
    if act is not None:
        act(page)
        page.wait_for_timeout(600)
    page.screenshot(path=folder / f"{name}.png")
    page.close()


def main(folder: Path) -> None:
    """Take all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        project = Path(home) / "project"
        project.mkdir()
        hub = HubProcess.at(project).start()
        browser = playwright.chromium.launch(channel="chromium", executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            _take(browser, hub, folder, ("quiet", 1280, 800, "light", None))
            tell_story(hub)
            wait_in_line(hub)
            for shot in SHOTS:
                _take(browser, hub, folder, shot)
        finally:
            browser.close()
            hub.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
