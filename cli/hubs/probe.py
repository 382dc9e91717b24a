"""Asking an address what listens there."""

import http.client
import json
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

MAX_ANSWER_BYTES: Final = 1 << 20


class RunningHub(NamedTuple):
    """A hub that answered.

    Attributes:
        url: where.
        storage: its database.
        instance_id: the id of its coordination state.
        pid: its process as it says itself; None from a hub that does not say, such as one of Arc 0.1.1.
    """

    url: str
    storage: Path
    instance_id: str
    pid: int | None


class NotAHub(Exception):
    """Something listens, but it does not answer as an Arc hub does; `str(error)` says what it did."""


def find_hub_at(url: str, timeout_sec: float) -> RunningHub | None:
    """The hub at `url`, None when nothing listens there.

    Args:
        url: `http://host:port`.
        timeout_sec: how long to wait for its answer.

    Raises:
        NotAHub: something else answers, or nothing in time.
    """
    host, port = split_url(url)
    connection = http.client.HTTPConnection(host, port, timeout=timeout_sec)
    try:
        try:
            connection.connect()
        except TimeoutError:
            raise NotAHub(f"{url} cannot be reached within {timeout_sec:g} s") from None
        except OSError:
            return None
        try:
            connection.request("GET", "/v1/hub-info")
            answer = connection.getresponse().read(MAX_ANSWER_BYTES)
        except TimeoutError:
            raise NotAHub(f"what listens on {url} gives no answer within {timeout_sec:g} s") from None
        except (OSError, http.client.HTTPException):
            raise NotAHub(f"what listens on {url} is not an Arc hub: it breaks the connection off") from None
    finally:
        connection.close()
    return _hub(url, answer)


def split_url(url: str) -> tuple[str, int]:
    """Host and port of a hub's URL.

    Raises:
        NotAHub: it has none that can be used.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise NotAHub(f"{url} is no address of a hub: it must be http://HOST:PORT")


def _hub(url: str, answer: bytes) -> RunningHub:
    try:
        envelope = json.loads(answer)
    except ValueError:
        envelope = None
    info: Any = envelope.get("result") if isinstance(envelope, dict) else None
    if isinstance(info, dict):
        storage, instance_id, pid = info.get("storage_path"), info.get("instance_id"), info.get("pid")
        if isinstance(storage, str) and isinstance(instance_id, str) and "protocol_version" in info:
            return RunningHub(url, Path(storage), instance_id, pid if isinstance(pid, int) and pid > 0 else None)
    raise NotAHub(f"what listens on {url} is not an Arc hub")
