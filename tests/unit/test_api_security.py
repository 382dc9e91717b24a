"""Who may call: programs and the hub's own page, not the web page next door."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from api.http.errors import Unauthenticated
from api.http.gate import hash_of
from api.http.security import Guard, host_name
from arclog.deciders.tokens import Holders
from arclog.errors import Forbidden
from projections.hub.hub import Hub
from projections.hub.measures import Measures
from projections.tokens import read_holders

NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


class StandIn:
    """What the guard needs to know of a hub."""

    def __init__(
        self,
        *,
        allow_remote: bool = False,
        host: str = "127.0.0.1",
        token: str | None = None,
        proxies: frozenset[str] = frozenset(),
    ) -> None:
        self.settings = self.state = self
        self.allow_remote = allow_remote
        self.host = host
        self.network_token = None if token is None else hash_of(token)
        self.rate = 0.0
        self.max_connections = self.max_open_calls = 0
        self.measures = Measures()
        self.proxies = proxies

    def read(self, query: Any, *_arguments: Any) -> Any:
        """Nobody was issued a token."""
        return Holders() if query is read_holders else None


def check(
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    path: str = "/v1/channels",
    client: str | None = "127.0.0.1",
    **hub: Any,
) -> None:
    guard = Guard(cast("Hub", StandIn(**hub)))
    scope = {"method": method, "path": path, "client": None if client is None else (client, 40_000)}
    for _twice in range(2):  # what was found good is remembered, and must be good again
        guard.check(scope, {name.encode(): value.encode("latin-1") for name, value in headers.items()})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:6969", "localhost:6969", "LOCALHOST", "[::1]:6969", "127.8.9.1", "localhost:9", "[::ffff:127.0.0.1]:1"],
)
def test_a_program_on_this_machine_may_call_by_any_loopback_name(host: str) -> None:
    check({"host": host})


@pytest.mark.parametrize("host", ["host.docker.internal:6969", "host.containers.internal", "Host.Lima.internal:1"])
def test_a_container_may_call_its_machine_by_the_name_it_has_for_it(host: str) -> None:
    check({"host": host})


@pytest.mark.parametrize("host", ["evil.internal", "host.docker.internal.evil.example", "x.host.docker.internal"])
def test_no_other_name_passes_for_that_of_a_container_s_machine(host: str) -> None:
    with pytest.raises(Forbidden, match="--allow-remote"):
        check({"host": host})


def test_a_page_of_a_container_s_machine_on_another_port_is_of_another_site() -> None:
    with pytest.raises(Forbidden):
        check({"host": "host.docker.internal:6969", "origin": "http://host.docker.internal:8080"})


def test_a_request_without_a_host_is_no_browser() -> None:
    check({})


@pytest.mark.parametrize(
    "host", ["evil.example:6969", "10.1.2.3:6969", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::2]:1"]
)
def test_a_name_that_was_pointed_at_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Forbidden):
        check({"host": host})


def test_the_configured_host_is_a_name_of_the_hub() -> None:
    check({"host": "Box.lan:6969"}, host="box.lan")


def test_any_name_will_do_when_other_machines_may_call() -> None:
    check({"host": "box.lan:6969"}, allow_remote=True, client="192.168.1.7")


@pytest.mark.parametrize("client", ["192.168.1.7", "fe80::1", "unix"])
def test_other_machines_are_refused_by_default(client: str) -> None:
    with pytest.raises(Forbidden):
        check({"host": "127.0.0.1"}, client=client)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", None])
def test_this_machine_is_let_in(client: str | None) -> None:
    check({"host": "127.0.0.1"}, client=client)


TRACES = [{"forwarded": "for=192.0.2.1"}, {"x-forwarded-for": "127.0.0.1"}, {"x-forwarded-host": "a"}, {"via": "1.1 a"}]


@pytest.mark.parametrize("trace", TRACES)
def test_what_a_proxy_or_a_tunnel_passed_on_is_a_call_of_another_machine(trace: Mapping[str, str]) -> None:
    with pytest.raises(Forbidden):
        check({"host": "127.0.0.1:6969", **trace})
    with pytest.raises(Unauthenticated):
        check({"host": "127.0.0.1:6969", **trace}, allow_remote=True, token="a-token-of-the-test")
    check({"host": "127.0.0.1:6969", **trace, "authorization": "Bearer a-token"}, allow_remote=True, token="a-token")


@pytest.mark.parametrize("header", ["deviation", "x-not-forwarded", "aviator"])
def test_a_header_that_only_looks_like_that_of_a_proxy_is_none(header: str) -> None:
    check({"host": "127.0.0.1:6969", header: "1"})


def test_the_word_of_a_proxy_that_is_named_is_taken_the_last_word_alone() -> None:
    named: dict[str, Any] = {"proxies": frozenset({"127.0.0.1"}), "allow_remote": True, "token": "a-token-of-the-test"}
    check({"host": "127.0.0.1", "x-forwarded-for": "192.0.2.1, 127.0.0.1"}, **named)
    with pytest.raises(Unauthenticated):
        check({"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1, 192.0.2.1"}, **named)
    with pytest.raises(Unauthenticated):
        check({"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1"}, client="127.0.0.2", **named)


def test_a_name_that_was_pointed_at_this_machine_needs_the_token_of_an_open_hub_too() -> None:
    with pytest.raises(Unauthenticated):
        check({"host": "evil.example:6969"}, allow_remote=True, token="a-token-of-the-test")


@pytest.mark.parametrize("client", ["127.0.0.1", "192.168.1.7"])
def test_only_whether_the_hub_lives_is_told_to_everybody(client: str) -> None:
    headers = {"host": "192.168.1.2"}
    check(headers, path="/healthz", client=client, allow_remote=True, token="a-token-of-the-test")
    with pytest.raises(Unauthenticated):
        check(headers, path="/readyz", client=client, allow_remote=True, token="a-token-of-the-test")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost:3000", "null", "http://127.0.0.1:6970", "", "127.0.0.1:6969", "file://"],
)
def test_a_page_of_another_origin_is_refused(method: str, origin: str) -> None:
    with pytest.raises(Forbidden):
        check({"host": "127.0.0.1:6969", "origin": origin}, method=method)


def test_the_hubs_own_page_may_call() -> None:
    check({"host": "127.0.0.1:6969", "origin": "http://127.0.0.1:6969", "sec-fetch-site": "same-origin"}, method="POST")
    check({"host": "Localhost:6969", "origin": "http://localhost:6969"}, method="POST")


def test_another_origin_is_refused_also_where_other_machines_may_call() -> None:
    with pytest.raises(Forbidden):
        check({"host": "box.lan:6969", "origin": "https://evil.example"}, allow_remote=True)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_the_browser_marks_as_another_site_is_refused(site: str) -> None:
    with pytest.raises(Forbidden):
        check({"host": "127.0.0.1:6969", "sec-fetch-site": site})


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_user_typed_or_the_page_itself_asks_for_passes(site: str) -> None:
    check({"host": "127.0.0.1:6969", "sec-fetch-site": site})


def test_a_link_to_the_hubs_page_may_be_followed() -> None:
    check({"host": "127.0.0.1:6969", "sec-fetch-site": "cross-site", **NAVIGATION}, path="/")


@pytest.mark.parametrize(
    ("method", "path", "changed"),
    [
        ("POST", "/", {}),
        ("GET", "/v1/shutdown", {}),
        ("GET", "/", {"sec-fetch-dest": "iframe"}),
        ("GET", "/", {"sec-fetch-mode": "no-cors"}),
    ],
)
def test_no_other_visit_from_another_site_passes(method: str, path: str, changed: Mapping[str, str]) -> None:
    headers = {"host": "127.0.0.1:6969", "sec-fetch-site": "cross-site", **NAVIGATION, **changed}
    with pytest.raises(Forbidden):
        check(headers, method=method, path=path)


@pytest.mark.parametrize(
    ("host", "name"),
    [("a:1", "a"), ("A", "a"), ("[::1]:6969", "::1"), ("[::1]", "::1"), ("", ""), (":1", ""), ("a:b:1", "a:b")],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    "telling",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"forwarded": "for=192.0.2.1"},
        {"via": "1.1 proxy"},
        {"x-forwarded-for": "192.0.2.1"},
        {"authorization": "Bearer wrong"},
    ],
    ids=lambda telling: next(iter(telling)),
)
def test_a_header_that_tells_is_looked_at_though_its_sender_is_known(telling: Mapping[str, str]) -> None:
    guard = Guard(cast("Hub", StandIn(token="right")))
    scope = {"method": "POST", "path": "/v1/messages", "client": ("127.0.0.1", 40_000)}
    plain = {b"host": b"127.0.0.1:6969", b"content-type": b"application/json"}
    told = plain | {name.encode(): value.encode() for name, value in telling.items()}
    for _twice in range(2):
        guard.check(scope, plain)
        with pytest.raises((Forbidden, Unauthenticated)):
            guard.check(scope, told)


def test_a_token_is_taken_from_a_sender_that_is_known_without_one() -> None:
    guard = Guard(cast("Hub", StandIn(token="right")))
    scope = {"method": "POST", "path": "/v1/messages", "client": ("127.0.0.1", 40_000)}
    plain = {b"host": b"127.0.0.1:6969"}
    cookie = b"arc_sign_in=" + guard.gate.sign_in("127.0.0.1", b"right")
    for _twice in range(2):
        assert guard.check(scope, plain) is None
        assert guard.check(scope, plain | {b"authorization": b"Bearer right"}) is not None
        assert guard.check(scope, plain | {b"cookie": cookie}) is not None
