"""What stands on a port: a hub, a stranger, or somebody who pretends."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@contextmanager
def serving(hub_info: Callable[[], object]) -> Iterator[int]:
    """The port of a web server that answers with what `hub_info` gives, and with 404 when that is None."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            info = hub_info()
            body = b"no" if info is None else json.dumps({"ok": True, "result": info}).encode()
            self.send_response(404 if info is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int, path: str, body: object = None) -> Any:
    """The result of a call to the hub on `port`; with a body it is a POST."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
        envelope = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert envelope["ok"], envelope
    return envelope["result"]


def hub_info(port: int) -> Any:
    """What the hub on `port` says of itself."""
    return ask(port, "/v1/hub-info")


def is_closed(port: int) -> bool:
    """Whether nothing listens on `port`."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
