"""Asking an address what listens there."""

from __future__ import annotations

from arc.connection import BrokenAnswerError, Connection
from arc.finding.tokens import BadTokenError, authorization, find_token
from arc.light_json import loads
from arc.urls import split_url

OLD_IMPLEMENTATION = "megastructure-arc"
UNAUTHENTICATED = 401


class NotAHubError(Exception):
    """Something listens, but it does not answer as an Arc hub does; `str(error)` says what it did."""


class NoAnswerError(NotAHubError):
    """Something listens, and says nothing in time."""


class RunningHub:
    """A hub that answered.

    Attributes:
        url: where.
        storage: its database, as it names it.
        instance_id: the id of its coordination state.
        pid: its process as it says itself; None from a hub that does not say, such as one of Arc 0.1.1.
        info: all that it says of itself.
    """

    __slots__ = ("info", "instance_id", "pid", "storage", "url")

    def __init__(self, url: str, info: dict[str, object], storage: str, instance_id: str) -> None:
        self.url = url
        self.info = info
        self.storage = storage
        self.instance_id = instance_id
        pid = info.get("pid")
        self.pid = pid if isinstance(pid, int) and pid > 0 else None

    @property
    def is_011(self) -> bool:
        """Whether it is a hub of Arc 0.1.1."""
        return self.info.get("implementation") == OLD_IMPLEMENTATION

    @property
    def is_gone(self) -> bool:
        """Whether its storage was taken away, so that it does nothing until it is started again."""
        return self.info.get("storage") == "gone"


def find_hub_at(url: str, timeout_sec: float, storage: str | None = None) -> RunningHub | None:
    """The hub at `url`, None when nothing listens there.

    Args:
        url: `http://host:port`.
        timeout_sec: how long to wait for its answer.
        storage: the database that it is asked for, beside which its token may lie.

    Raises:
        NotAHubError: something else answers.
        NoAnswerError: nothing answers in time.
    """
    try:
        address = split_url(url)
    except ValueError:
        raise NotAHubError(f"{url} is no address of a hub: it must be http://HOST:PORT") from None
    try:
        headers = {"Connection": "close", **authorization(find_token(storage))}
    except BadTokenError as error:
        raise NotAHubError(str(error)) from None
    connection = Connection(address, timeout_sec)
    try:
        try:
            connection.connect()
        except TimeoutError:
            raise NoAnswerError(f"{url} cannot be reached within {timeout_sec:g} s") from None
        except OSError:
            return None
        try:
            answer = connection.ask("GET", f"{address.prefix}/v1/hub-info", headers, None)
        except TimeoutError:
            raise NoAnswerError(f"what listens on {url} gives no answer within {timeout_sec:g} s") from None
        except (OSError, BrokenAnswerError):
            raise NotAHubError(f"what listens on {url} is not an Arc hub: it breaks the connection off") from None
    finally:
        connection.close()
    if answer.status == UNAUTHENTICATED:
        raise NotAHubError(f"what listens on {url} wants a token: give it as ARC_TOKEN")
    return _hub(url, answer.body)


def _hub(url: str, answer: bytes) -> RunningHub:
    try:
        envelope = loads(answer)
    except ValueError:
        envelope = None
    info = envelope.get("result") if isinstance(envelope, dict) else None
    if isinstance(info, dict):
        storage, instance_id = info.get("storage_path"), info.get("instance_id")
        if isinstance(storage, str) and isinstance(instance_id, str) and "protocol_version" in info:
            return RunningHub(url, info, storage, instance_id)
    raise NotAHubError(f"what listens on {url} is not an Arc hub")
