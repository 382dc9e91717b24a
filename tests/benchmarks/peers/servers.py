"""Servers that keep messages: how each is started on a folder, greeted, and asked to keep one more.

Each is told to flush the disk before it answers: PostgreSQL does by itself, Redis by `appendfsync always`, NATS by
`sync_interval: always`.
"""

import contextlib
import json
import os
import pwd
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import ARC, Missing
from tests.benchmarks.peers.libraries import find_program
from tests.benchmarks.peers.senders import CHUNK, OverSockets, connect
from tests.support.hub_process import HubProcess
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

BODY: Final = "The build is green again, see the artifact."
MESSAGE: Final = {"from_agent": "bench-0", "channel": "general", "body": BODY}
_READY: Final = b"Z\x00\x00\x00\x05I"
"""PostgreSQL is ready for the next request, outside a transaction."""
_POSTGRES_VERSION: Final = 196_608
"""Version 3.0 of its protocol."""
_INBOX: Final = b"_INBOX.bench"


def arc(hub: HubProcess) -> OverSockets:
    """A hub that runs."""
    assert hub.process is not None
    body = json.dumps(MESSAGE).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    request = f"{head}Content-Type: application/json\r\n\r\n".encode() + body
    return OverSockets(ARC, hub.process.pid, lambda: connect(hub.port), request, _is_whole_answer)


@contextmanager
def postgres(folder: Path) -> Iterator[OverSockets]:
    """PostgreSQL with its defaults; each message is an INSERT of a prepared statement."""
    initdb, server = (_find_postgres(name) for name in ("initdb", "postgres"))
    data, port = folder / "data", find_free_port()
    data.mkdir()
    as_user = _leave_root(data)
    _run([*as_user, initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"])
    command = [*as_user, server, "-D", str(data), "-p", str(port), "-k", str(data), "-h", "127.0.0.1"]
    with _running(command, port) as pid:
        wait_until(lambda: _accepts(port), what="PostgreSQL to have started up")
        with _open_postgres(port) as connection:
            columns = "id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), from_agent text, channel text, body text"
            _ask_postgres(connection, _packet(b"Q", f"CREATE TABLE messages ({columns})".encode() + b"\0"))
        values = [MESSAGE[field].encode() for field in ("from_agent", "channel", "body")]
        bound = b"".join(struct.pack(">i", len(value)) + value for value in values)
        bind = b"\0post\0" + struct.pack(">hh", 0, len(values)) + bound + struct.pack(">h", 0)
        request = _packet(b"B", bind) + _packet(b"E", b"\0" + struct.pack(">i", 0)) + _packet(b"S", b"")
        yield OverSockets("PostgreSQL", pid, lambda: _prepare(port), request, lambda came: came.endswith(_READY))


@contextmanager
def redis(folder: Path) -> Iterator[OverSockets]:
    """Redis with an append-only file; each message is an entry of a stream."""
    server, port = _find("redis-server", "apt-get install redis-server"), find_free_port()
    options = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(folder)]
    with _running([server, "--port", str(port), "--bind", "127.0.0.1", *options], port) as pid:
        words = ["XADD", "messages", "*", *(word for pair in MESSAGE.items() for word in pair)]
        request = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        yield OverSockets(
            "Redis Streams", pid, lambda: connect(port), request.encode(), lambda came: came.count(b"\r\n") == 2
        )


@contextmanager
def nats(folder: Path) -> Iterator[OverSockets]:
    """NATS JetStream with a stream in a file; each message waits for its acknowledgement."""
    server, port = find_program("nats-server"), find_free_port()
    settings = folder / "nats.conf"
    settings.write_text(f'jetstream {{ store_dir: "{folder}", sync_interval: always }}\n')
    with _running([server, "-c", str(settings), "-a", "127.0.0.1", "-p", str(port)], port) as pid:
        stream = json.dumps({"name": "bench", "subjects": ["bench"], "storage": "file"}).encode()
        with _open_nats(port) as connection:
            connection.sendall(_publish(b"$JS.API.STREAM.CREATE.bench", stream))
            answer = _hear(connection, b"}\r\n")
            if b'"error"' in answer:
                raise Missing(f"NATS made no stream: {answer[-200:]!r}")
        request = _publish(b"bench", json.dumps(MESSAGE).encode())
        yield OverSockets("NATS JetStream", pid, lambda: _open_nats(port), request, lambda came: b"}\r\n" in came)


def _is_whole_answer(came: bytes) -> bool:
    return b"\r\n\r\n" in came and came.endswith(b"}")


# Processes ------------------------------------------------------------------------------------------------------------


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[int]:
    """A server process, once it listens."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or _listens(port), what=f"{command[0]} on port {port}")
        if process.poll() is not None:
            raise Missing(f"{Path(command[0]).name} ended with {process.returncode}")
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        connect(port).close()
    except OSError:
        return False
    return True


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-200:]}")


def _find(program: str, how: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Missing(f"{program} is missing: {how}")
    return found


def _find_postgres(program: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return str(places[-1]) if places else _find(program, "apt-get install postgresql")


def _leave_root(data: Path) -> list[str]:
    """PostgreSQL does not run as root: then it runs as the user that its package has made, who gets the folder."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise Missing("PostgreSQL does not run as root, and there is no user postgres") from None
    os.chown(data, user.pw_uid, user.pw_gid)
    for above in (data.parent, data.parent.parent):  # the benchmark's own, which only its user may enter
        above.chmod(0o711)
    return [_find("setpriv", "apt-get install util-linux"), "--reuid=postgres", "--regid=postgres", "--clear-groups"]


# PostgreSQL's protocol (https://www.postgresql.org/docs/current/protocol-message-formats.html) ------------------------


def _packet(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">i", len(body) + 4) + body


def _open_postgres(port: int) -> socket.socket:
    connection = connect(port)
    _ask_postgres(
        connection, _packet(b"", struct.pack(">i", _POSTGRES_VERSION) + b"user\0postgres\0database\0postgres\0\0")
    )
    return connection


def _accepts(port: int) -> bool:
    try:
        _open_postgres(port).close()
    except Missing:  # it listens before it takes anybody in
        return False
    return True


def _prepare(port: int) -> socket.socket:
    connection = _open_postgres(port)
    insert = b"INSERT INTO messages (from_agent, channel, body) VALUES ($1, $2, $3) RETURNING id"
    _ask_postgres(connection, _packet(b"P", b"post\0" + insert + b"\0" + struct.pack(">h", 0)) + _packet(b"S", b""))
    return connection


def _ask_postgres(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    answer = _hear(connection, _READY)
    if answer.startswith(b"E"):
        raise Missing(f"PostgreSQL refused: {answer[:200]!r}")


# NATS's protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol) -----------------------------------


def _open_nats(port: int) -> socket.socket:
    connection = connect(port)
    _hear(connection, b"\r\n")
    connection.sendall(b'CONNECT {"verbose":false}\r\nSUB ' + _INBOX + b" 1\r\nPING\r\n")
    _hear(connection, b"PONG\r\n")
    return connection


def _publish(subject: bytes, message: bytes) -> bytes:
    return b"PUB %b %b %d\r\n%b\r\n" % (subject, _INBOX, len(message), message)


def _hear(connection: socket.socket, end: bytes) -> bytes:
    """What comes up to and with `end`."""
    heard = b""
    with contextlib.suppress(TimeoutError):
        while not heard.endswith(end):
            came = connection.recv(CHUNK)
            if not came:
                break
            heard += came
    if not heard.endswith(end):
        raise Missing(f"a peer did not answer as expected: {heard[-200:]!r}")
    return heard
