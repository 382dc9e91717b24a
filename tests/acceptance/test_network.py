"""A hub and another machine: a network namespace of its own, wired to ours."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from api.app import ROUTES
from tests.support.hub_process import CHECKOUT
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

OURS, THEIRS = "198.18.77.1", "198.18.77.2"
_ASK = """
import http.client, json, sys
for method, path, headers, body in json.load(sys.stdin):
    connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    print(json.dumps([answer.status, dict(answer.getheaders()), answer.read().decode()]))
"""


class OtherMachine:
    """A namespace with one cable to the namespace of the hub."""

    def __init__(self, stack: ExitStack) -> None:
        tag = f"arc{os.getpid() % 100_000}"
        self.hub, self.client = f"{tag}h", f"{tag}c"
        for name in (self.hub, self.client):
            self._ip("netns", "add", name)
            stack.callback(self._ip, "netns", "del", name)
        self._ip("-n", self.hub, "link", "add", "cable", "type", "veth", "peer", "name", "end", "netns", self.client)
        for name, link, address in ((self.hub, "cable", OURS), (self.client, "end", THEIRS)):
            self._ip("-n", name, "addr", "add", f"{address}/24", "dev", link)
            self._ip("-n", name, "link", "set", link, "up")
            self._ip("-n", name, "link", "set", "lo", "up")
        self._ip("-n", self.hub, "route", "add", "default", "via", THEIRS)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def ask(
        self, port: int, *calls: tuple[str, str, dict[str, str], str | None], host: str = OURS, local: bool = False
    ) -> list[tuple[int, dict[str, str], str]]:
        """Calls from there, or from the hub's machine, over HTTP; of each answer the status, headers and body."""
        name = self.hub if local else self.client
        done = subprocess.run(
            ["ip", "netns", "exec", name, sys.executable, "-c", _ASK, host, str(port)],
            input=json.dumps(calls),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command `arc`, run there."""
        return subprocess.run(
            ["ip", "netns", "exec", self.client, sys.executable, "-m", "arc", *arguments],
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | environment,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def other() -> Iterator[OtherMachine]:
    require_tool("ip", install="apt-get install iproute2")
    with ExitStack() as stack:
        try:
            machine = OtherMachine(stack)
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"this machine lets nobody make namespaces: {refused.stderr}")
        yield machine


class Served:
    """A hub in the namespace of the hub."""

    def __init__(self, home: Path, machine: OtherMachine, *options: str, **environment: str) -> None:
        self.storage = home / "arc.sqlite3"
        self.port = 6969
        self.machine = machine
        self.log = home / "hub.log"
        command = ["ip", "netns", "exec", machine.hub, sys.executable, "-m", "arc", "--port", str(self.port)]
        command += ["--storage", str(self.storage), "--host", "0.0.0.0", "--allow-remote", *options]  # noqa: S104
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=home,
                env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: "listens on" in self.log.read_text(), within_sec=30, what="the hub listens")

    @property
    def token(self) -> str:
        return self.storage.with_name(f".{self.storage.name}.token").read_text().strip()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0


@pytest.fixture
def hub(tmp_path: Path, other: OtherMachine) -> Iterator[Served]:
    served = Served(tmp_path, other)
    yield served
    served.stop()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_a_token_every_route_is_refused_to_another_machine_but_whether_the_hub_lives(
    hub: Served, other: OtherMachine
) -> None:
    ask_health = ("GET", "/v1/health", bearer(hub.token), None)
    before = json.loads(other.ask(hub.port, ask_health)[0][2])["result"]["head"]
    paths = [(route.method, route.path.replace("{", "").replace("}", "")) for route in ROUTES]
    paths += [("POST", "/mcp"), ("POST", "/mcp/"), ("GET", "/nothing"), ("POST", "/sign-in"), ("HEAD", "/v1/log")]
    paths = [(method, path) for method, path in paths if path != "/healthz"]
    answers = other.ask(hub.port, *[(method, path, {}, "{}") for method, path in paths])
    assert {path: status for (_, path), (status, _, _) in zip(paths, answers, strict=True) if status != 401} == {}
    assert other.ask(hub.port, ("GET", "/healthz", {}, None))[0][0] == 200
    assert json.loads(other.ask(hub.port, ask_health)[0][2])["result"]["head"] == before


def test_with_the_token_another_machine_may_do_everything(hub: Served, other: OtherMachine) -> None:
    post = json.dumps({"from_agent": "ada", "body": "hello"})
    assert other.ask(hub.port, ("POST", "/v1/messages", bearer(hub.token), post))[0][0] == 201


def test_wrong_tokens_are_limited(hub: Served, other: OtherMachine) -> None:
    calls = [("GET", "/v1/channels", bearer(f"wrong-{number}-wrong-wrong"), None) for number in range(14)]
    answers = other.ask(hub.port, *calls)
    assert [status for status, _, _ in answers][:10] == [401] * 10
    assert {status for status, _, _ in answers[11:]} == {429}
    assert int(answers[-1][1]["retry-after"]) > 0
    assert other.ask(hub.port, ("GET", "/v1/channels", bearer(hub.token), None))[0][0] == 429
    assert other.ask(hub.port, ("GET", "/v1/channels", {}, None), host="127.0.0.1", local=True)[0][0] == 200


def test_this_machine_needs_no_token_unless_somebody_elses_call_came_through_it(
    hub: Served, other: OtherMachine
) -> None:
    traces = ({"Forwarded": "for=x"}, {"Via": "1.1 x"}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Proto": "http"})
    calls = [("GET", "/v1/channels", headers, None) for headers in ({}, *traces, {"Host": "rebound.example:6969"})]
    answers = other.ask(hub.port, *calls, host="127.0.0.1", local=True)
    assert [status for status, _, _ in answers] == [200, 401, 401, 401, 401, 401]


def test_the_command_takes_the_token_from_the_environment(hub: Served, other: OtherMachine, tmp_path: Path) -> None:
    url = f"http://{OURS}:{hub.port}"
    refused = other.run("post", "--agent", "ada", "hello", ARC_URL=url)
    assert refused.returncode == 1
    assert "ARC_TOKEN" in refused.stdout
    posted = other.run("whoami", "--agent", "ada", ARC_URL=url, ARC_TOKEN=hub.token)
    assert posted.returncode == 0, posted.stdout
    copy = tmp_path / "copy"
    copy.write_text(hub.token)
    assert other.run("whoami", "--agent", "ada", ARC_URL=url, ARC_TOKEN_FILE=str(copy)).returncode == 0


def test_the_token_is_its_owners_and_stands_in_no_output(hub: Served, other: OtherMachine, tmp_path: Path) -> None:
    file = tmp_path / ".arc.sqlite3.token"
    assert file.stat().st_mode & 0o777 == 0o600
    other.ask(hub.port, ("GET", "/v1/channels", bearer(hub.token), None))
    said = hub.log.read_text()
    assert str(file) in said
    assert OURS in said
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != file:
            assert hub.token.encode() not in path.read_bytes(), path
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert hub.token.encode() not in process.read_bytes()
        except OSError:
            continue


def test_a_browser_on_another_machine_signs_in_and_gets_a_cookie(hub: Served, other: OtherMachine) -> None:
    (status, headers, page), *_ = other.ask(hub.port, ("GET", "/", {"Accept": "text/html"}, None))
    assert status == 401
    assert "sign-in" in page
    assert "script-src" not in headers["content-security-policy"]
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{OURS}:{hub.port}"}
    wrong, right = other.ask(
        hub.port, ("POST", "/sign-in", form, "token=wrong"), ("POST", "/sign-in", form, f"token={hub.token}")
    )
    assert wrong[0] == 401
    assert "set-cookie" not in wrong[1]
    assert right[0] == 303
    cookie = right[1]["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert hub.token not in cookie
    signed_in = {"Cookie": cookie.partition(";")[0], "Accept": "text/html"}
    assert other.ask(hub.port, ("GET", "/", signed_in, None), ("GET", "/v1/log", signed_in, None))[1][0] == 200


def test_closing_the_network_ends_what_is_open(hub: Served, other: OtherMachine) -> None:
    waiting = subprocess.Popen(
        ["ip", "netns", "exec", other.client, sys.executable, "-c", _ASK, OURS, str(hub.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert waiting.stdin is not None
    waiting.stdin.write(json.dumps([("GET", "/v1/stream?agent_id=ada", bearer(hub.token), None)]).encode())
    waiting.stdin.close()

    def is_open() -> bool:
        listed = subprocess.run(
            ["ip", "netns", "exec", other.client, "cat", "/proc/self/net/tcp"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        return any(line.split()[3] == "01" for line in listed.splitlines()[1:])

    wait_until(is_open, within_sec=20, what="the stream is open")
    closing = ("POST", "/v1/network", bearer(hub.token), json.dumps({"allow_remote": False}))
    assert other.ask(hub.port, closing)[0][0] == 200
    assert waiting.wait(20) is not None
    assert other.ask(hub.port, ("GET", "/v1/channels", bearer(hub.token), None))[0][0] == 403


def test_a_hub_that_wants_no_token_warns_of_it(tmp_path: Path, other: OtherMachine) -> None:
    served = Served(tmp_path, other, "--no-auth")
    try:
        answer = other.ask(served.port, ("GET", "/v1/hub-info", {}, None))[0]
        assert json.loads(answer[2])["result"]["authentication"] == "none"
        assert "without a token" in served.log.read_text()
        assert not (tmp_path / ".arc.sqlite3.token").exists()
    finally:
        served.stop()


def test_a_token_can_be_given_by_the_environment_or_a_file(tmp_path: Path, other: OtherMachine) -> None:
    file = tmp_path / "secret"
    file.write_text("given-in-a-file-of-mine\n")
    file.chmod(0o600)
    for options, environment, token in (
        (("--token-file", str(file)), {}, "given-in-a-file-of-mine"),
        ((), {"ARC_TOKEN": "given-by-the-environment"}, "given-by-the-environment"),
    ):
        home = tmp_path / token
        home.mkdir()
        served = Served(home, other, *options, **environment)
        try:
            assert other.ask(served.port, ("GET", "/v1/channels", bearer(token), None))[0][0] == 200
            assert other.ask(served.port, ("GET", "/v1/channels", {}, None))[0][0] == 401
        finally:
            served.stop()


def test_a_proxy_that_is_named_tells_where_a_call_comes_from(tmp_path: Path, other: OtherMachine) -> None:
    served = Served(tmp_path, other, "--proxy-headers", "127.0.0.1")
    try:
        calls = [
            ("GET", "/v1/channels", {"X-Forwarded-For": told}, None) for told in ("192.0.2.9", "127.0.0.1, 192.0.2.9")
        ]
        answers = other.ask(served.port, *calls, host="127.0.0.1", local=True)
        assert [status for status, _, _ in answers] == [401, 401]
    finally:
        served.stop()


def test_a_sender_on_another_machine_has_a_rate_and_this_machine_has_none(tmp_path: Path, other: OtherMachine) -> None:
    hub = Served(tmp_path, other, "--rate", "2")
    try:
        answers = other.ask(hub.port, *[("GET", "/v1/channels", bearer(hub.token), None)] * 40)
        assert [status for status, _, _ in answers][:20] == [200] * 20
        assert 429 in {status for status, _, _ in answers[20:]} <= {200, 429}
        assert int(answers[-1][1]["retry-after"]) > 0
        here = other.ask(hub.port, *[("GET", "/v1/channels", {}, None)] * 40, host="127.0.0.1", local=True)
        assert {status for status, _, _ in here} == {200}
    finally:
        hub.stop()
