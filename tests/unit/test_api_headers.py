"""Headers are read strictly: what would have to be guessed at is refused."""

from typing import Any

import pytest

from api.http.errors import MalformedRequest
from api.http.headers import TRANSPORT, HeaderReader


def read(*headers: tuple[bytes, bytes], version: str = "1.1", **scope: Any) -> dict[bytes, bytes]:
    """The headers of a request that came twice over one connection: what was found good must be good again."""
    reader = HeaderReader()
    reader.read({"headers": list(headers), "http_version": version, **scope})
    return reader.read({"headers": list(headers), "http_version": version, **scope})


@pytest.mark.parametrize(
    "host", [b"localhost", b"127.0.0.1:6969", b"[::1]:6969", b"[::1]", b"[fe80::1%25eth0]:1", b"", b"a_b-c.example"]
)
def test_a_request_names_its_host(host: bytes) -> None:
    assert read((b"host", host), (b"x-a", b"1")) == {b"host": host, b"x-a": b"1"}


def test_a_request_of_http_11_without_a_host_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="Host"):
        read((b"accept", b"*/*"))


def test_an_old_request_may_come_without_a_host() -> None:
    assert read(version="1.0") == {}


def test_a_call_by_another_road_needs_no_host() -> None:
    assert read(**{TRANSPORT: "relay"}) == {}


@pytest.mark.parametrize("host", [b"a b", b"a, b", b"a/b", b"user@a", b"a:b", b"[::1", b"a\xff", b"a:1:2"])
def test_what_names_no_host_is_refused(host: bytes) -> None:
    for version in ("1.0", "1.1"):
        with pytest.raises(MalformedRequest, match="Host"):
            read((b"host", host), version=version)


@pytest.mark.parametrize("name", [b"host", b"idempotency-key", b"last-event-id", b"origin", b"x-arc-agent"])
def test_a_header_that_may_come_only_once_is_refused_when_it_comes_twice(name: bytes) -> None:
    with pytest.raises(MalformedRequest, match=name.decode()):
        read((b"host", b"localhost"), (name, b"localhost"), (name, b"localhost"))


def test_other_headers_may_come_twice() -> None:
    assert read((b"host", b"a"), (b"accept", b"a"), (b"accept", b"b")) == {b"host": b"a", b"accept": b"b"}
