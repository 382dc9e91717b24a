"""The client's way over files, for a sandbox without a network: requests and responses in a spool folder.

    <spool>/requests/<agent>/<request id>.json    written here, renamed to .work by the relay that takes it
    <spool>/responses/<agent>/<request id>.json   written by the relay

The request id is the call's idempotency key: the hub does a request once, however often its file is taken up. So a call
needs no retry of its own: the file stays until a relay answers it, and `FileRelayClient.call` can come back for the
answer with the same `request_id`. Nothing that a relay has taken is deleted here: there are mounts that refuse it, and
the relay must still find it.

A file appears whole, by renaming, readable for its owner alone unless the spool was opened to others. Paths stay
lexical: a spool is often a mount, and its resolved path may not exist on the other side.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

from arc.defaults import SPOOL_DIR
from arc.errors import ArcError
from arc.files import AS_IT_IS, remove, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


BAD_RESPONSE = 500
SPOOL_NOT_WRITABLE = 597
NO_RESPONSE = 598

PRIVATE = 0o700
"""The permissions of folders that are for their owner alone."""

FIRST_PAUSE_SEC = 0.001
"""The pause after the first look for a response. Each next one is a quarter longer, up to `poll_interval_sec`."""

SETTLE_SEC = 0.25
"""How long a response may look broken: over some mounts a renamed file is seen before all that is in it."""


def ensure_spool_dirs(spool_dir: str | Path, *, agent_id: str | None = None) -> Path:
    """Make the folders of a spool, those of one agent too if it is named, and return the absolute path of the spool.

    Args:
        spool_dir: the spool, relative to the working directory or absolute; symbolic links in it are not resolved.
        agent_id: whose folders to make.

    Raises:
        OSError: the folders cannot be made.
    """
    spool = Path.cwd() / spool_dir
    mode = _mode_of(spool)
    for kind in ("requests", "responses"):
        folder = spool / kind if agent_id is None else spool / kind / folder_name(agent_id)
        for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            missing.mkdir(mode=PRIVATE, exist_ok=True)
            if mode != PRIVATE:
                missing.chmod(mode)
    return spool


def folder_name(agent_id: str) -> str:
    """The name of an agent's folders: each run of characters other than `A-Z a-z 0-9 . _ -` becomes one `_`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", agent_id.strip())
    return "agent" if name in {"", ".", ".."} else name


class FileRelayClient:
    """Calls over a spool folder that a relay serves on the other side.

    Args:
        agent_id: who asks; names the folders.
        spool_dir: the spool, relative to the working directory or absolute.
        timeout: seconds to wait for a response.
        poll_interval_sec: the longest pause between two looks for the response; the first ones are much shorter.
    """

    def __init__(
        self,
        *,
        agent_id: str,
        spool_dir: str | Path = SPOOL_DIR,
        timeout: float = 30.0,
        poll_interval_sec: float = 0.1,
    ) -> None:
        self.agent_id = agent_id
        self.spool_dir = spool_dir
        self.timeout = timeout
        self.poll_interval_sec = poll_interval_sec
        self._spool = Path.cwd() / spool_dir

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Ask the hub and return the relay's whole response; no refusal and no failure raises.

        Args:
            method: `GET`, `POST` or `DELETE`.
            path: path and query, encoded; begins with `/`.
            body: the body of the request, or None.
            request_id: the id of an earlier request, to wait for its response once more; it is handed in again only
                if the spool no longer has it. Without one, a new id is made.
            timeout: seconds to wait instead of the client's own.

        Returns:
            `{request_id, ok, status, body, completed_at[, error]}`, where `body` is the hub's envelope and `status`
            the hub's status, or else 500 (the response cannot be used), 597 (the spool cannot be written) or 598 (no
            response in time; the request stays in the spool and may still be done).

        Raises:
            ValueError: `request_id` cannot name a file, or `body` is not JSON.
        """
        fresh, request_id = request_id is None, request_id or _new_id()
        if folder_name(request_id) != request_id:
            message = f"request_id {request_id!r} cannot name a file: use letters, digits, '.', '_' and '-'"
            raise ValueError(message)
        agent = folder_name(self.agent_id)
        request = self._spool / "requests" / agent / f"{request_id}.json"
        response = self._spool / "responses" / agent / f"{request_id}.json"
        # In the order in which a request moves on, so that none is overlooked while it does.
        if fresh or not any(place.exists() for place in (request, request.with_suffix(".work"), response)):
            content = {"request_id": request_id, "agent_id": self.agent_id, "method": method, "path": path}
            text = json.dumps({**content, "body": body, "created_at": _now()}, allow_nan=False)
            try:
                ensure_spool_dirs(self._spool, agent_id=self.agent_id)
                _write(request, text)
            except OSError as error:
                return _failure(request_id, SPOOL_NOT_WRITABLE, f"relay spool write failed: {error}")
        return self._wait(request_id, response, self.timeout if timeout is None else timeout)

    def take_back(self, request_id: str) -> bool:
        """Take back a request that no relay has taken, so that none does it later.

        Args:
            request_id: its id.

        Returns:
            Whether that was done; False when it is taken, or cannot be deleted.
        """
        try:
            remove(self._spool / "requests" / folder_name(self.agent_id) / f"{request_id}.json")
        except OSError:
            return False
        return True

    def _wait(self, request_id: str, response: Path, timeout: float) -> dict[str, Any]:
        give_up_at = time.monotonic() + timeout
        pause_sec, broken_since = FIRST_PAUSE_SEC, None
        while True:
            now = time.monotonic()
            try:
                answer = json.loads(response.read_bytes())
            except OSError:  # not there yet, or a mount that is away for a moment
                broken_since = None
            except ValueError:
                broken_since = broken_since or now
            else:
                if _is_response(answer):
                    return answer  # type: ignore[no-any-return]  # _is_response has looked
                return _failure(request_id, BAD_RESPONSE, "relay produced invalid response payload", answer)
            if broken_since is not None and now - broken_since >= SETTLE_SEC:
                return _failure(request_id, BAD_RESPONSE, "relay produced a response that is not JSON")
            if now >= give_up_at:
                return _failure(request_id, NO_RESPONSE, "relay timed out waiting for response")
            time.sleep(min(pause_sec, give_up_at - now))
            pause_sec = min(pause_sec * 1.25, max(self.poll_interval_sec, FIRST_PAUSE_SEC))


class RelayTransport:
    """What `HttpTransport` is over HTTP, over a spool."""

    def __init__(self, relay: FileRelayClient) -> None:
        self._relay = relay

    def call(
        self, method: str, path: str, payload: dict[str, Any] | None = None, *, timeout_override: float | None = None
    ) -> dict[str, Any]:
        """Ask the hub and return its whole envelope, which has `ok: true`.

        Raises:
            ArcError: the hub refused (its status), or there is no usable response (500, 597 or 598).
        """
        response = self._relay.call(method, path, payload, timeout=timeout_override)
        envelope, status = response.get("body"), response["status"]
        if isinstance(envelope, dict) and envelope.get("ok") is True:
            return envelope
        if not isinstance(envelope, dict) or not envelope.get("error"):
            envelope = {"error": response.get("error") or "relay transport error"}
        raise ArcError.from_envelope(envelope, status)


def _is_response(answer: object) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("ok"), bool) and isinstance(answer.get("status"), int)


def _failure(request_id: str, status: int, error: str, body: object = None) -> dict[str, Any]:
    """A failure on this side, in the shape of a response."""
    failure = {"request_id": request_id, "ok": False, "status": status, "completed_at": _now(), "error": error}
    return failure if body is None else {**failure, "body": body}


def _write(path: Path, text: str) -> None:
    """Write a file that appears whole, under its name, or not at all."""
    unfinished = path.with_suffix(".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | AS_IT_IS, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
    mode = _mode_of(path.parent)
    if mode != PRIVATE:
        unfinished.chmod(mode & 0o666)
    replace(unfinished, path)


if sys.platform == "win32":

    def _mode_of(folder: Path) -> int:
        """The owner's alone: there, who may use a file follows from the folder that it lies in."""
        return PRIVATE

else:

    def _mode_of(folder: Path) -> int:
        """The permissions for what is made in a folder: the owner's, unless the group, or all, may write there."""
        try:
            mode = folder.stat().st_mode
        except OSError:
            return PRIVATE
        return mode & (0o2777 if mode & 0o002 else 0o2770 if mode & 0o020 else PRIVATE)


def _new_id() -> str:
    """An id that grows with time, so that a relay which finds several requests at once can tell their order."""
    return f"{time.time_ns():016x}{os.urandom(8).hex()}"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
