"""`arc ensure` for other machines: what it says, what it makes, what it refuses, and encryption."""

import http.client
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.arc_command import ArcCommand
from tests.support.ports import find_free_port
from tests.support.tools import require_tool

OPEN = ("ensure", "--host", "0.0.0.0", "--allow-remote")  # noqa: S104 - what the user types


def test_ensure_names_the_token_s_file_and_the_line_for_a_client(arc: ArcCommand) -> None:
    ensured = arc(*OPEN, "--port", find_free_port())
    file = arc.folder / ".arc.sqlite3.token"
    token = file.read_text().strip()
    assert ensured.code == 0, ensured.out
    assert file.stat().st_mode & 0o777 == 0o600
    if "other machines" in ensured.err:  # a machine without a network has no address to name
        assert f"ARC_TOKEN='<what is in {file}>'" in ensured.err
    assert token not in ensured.out + ensured.err + (arc.folder / ".arc.log").read_text()
    assert arc("ensure").json["running"]
    arc("stop")
    assert arc("ensure").json["started"]
    assert file.read_text().strip() == token


def test_this_machine_is_found_and_asked_without_a_token(arc: ArcCommand) -> None:
    arc(*OPEN, "--port", find_free_port())
    assert arc("whoami", "--agent", "ada").code == 0
    assert arc("stop").json["stopped"]


def test_how_much_other_machines_may_have_open_is_kept_for_the_next_start(arc: ArcCommand) -> None:
    port = find_free_port()
    arc(*OPEN, "--no-auth", "--port", port, "--max-connections", "1", "--max-open-calls", "0")
    assert arc("stop").json["stopped"]
    assert arc("ensure").json["started"]
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as first:
        assert _status_from_elsewhere(first) == 200
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as second:
            assert _status_from_elsewhere(second) == 503
    assert arc("stop").json["stopped"]


def test_a_token_that_others_can_read_is_refused(arc: ArcCommand) -> None:
    file = arc.folder / "token"
    file.write_text("a-token-for-everybody\n")
    file.chmod(0o644)
    refused = arc(*OPEN, "--port", find_free_port(), "--token-file", file)
    assert refused.code == 1
    assert "chmod 600" in refused.json["error"]


@pytest.mark.parametrize("content", ["", "short", "one that has spaces in it", "ein-schlüssel-mit-umlaut"])
def test_a_token_that_cannot_be_used_is_refused_and_not_shown(arc: ArcCommand, content: str) -> None:
    file = arc.folder / "token"
    file.write_text(content)
    file.chmod(0o600)
    refused = arc(*OPEN, "--port", find_free_port(), "--token-file", file)
    assert refused.code == 1
    assert "holds no token" in refused.json["error"]
    assert not content or content not in refused.out + refused.err


def test_a_client_with_a_token_that_cannot_be_sent_is_told_so(arc: ArcCommand) -> None:
    told = arc("whoami", "--agent", "ada", ARC_TOKEN="short")
    assert told.code == 1
    assert "ARC_TOKEN holds no token" in told.out


def test_connections_are_encrypted_with_a_certificate(arc: ArcCommand) -> None:
    require_tool("openssl", install="apt-get install openssl")
    _make_certificate(arc.folder)
    ensured = arc("ensure", "--port", find_free_port(), "--tls-cert", "hub.pem", "--tls-key", "hub.key")
    assert ensured.code == 0, ensured.out
    assert ensured.json["url"].startswith("https://127.0.0.1:")
    assert arc("post", "--agent", "ada", "hello").code == 0
    assert [message["body"] for message in arc("poll", "--agent", "bob", "--timeout", "1").lines] == ["hello"]
    assert arc("stop").json["stopped"]
    assert arc("ensure").json["url"].startswith("https://")  # as it was


def test_a_certificate_without_its_key_is_refused(arc: ArcCommand) -> None:
    refused = arc("ensure", "--tls-cert", "hub.pem")
    assert refused.code == 1
    assert "--tls-key" in refused.out + refused.err


def test_a_certificate_that_cannot_be_read_is_named(arc: ArcCommand) -> None:
    refused = arc("ensure", "--port", find_free_port(), "--tls-cert", "none.pem", "--tls-key", "none.key")
    assert refused.code == 1
    assert "none.pem" in refused.json["error"]


def _status_from_elsewhere(connection: http.client.HTTPConnection) -> int:
    """The status of a call that counts as one of another machine; its connection stays open."""
    connection.request("GET", "/v1/channels", headers={"Via": "1.1 proxy"})
    response = connection.getresponse()
    response.read()
    return response.status


def _make_certificate(folder: Path) -> None:
    how = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    names = ("-subj", "/CN=localhost", "-keyout", "hub.key", "-out", "hub.pem")
    subprocess.run(["openssl", *how, *names], cwd=folder, check=True, capture_output=True)
