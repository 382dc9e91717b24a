"""One agent's courier: takes the requests of one folder to the hub, one after the other, and brings the answers back.

A request goes through four steps, and the files alone say how far it has come:

    1. `<id>.json` lies in the folder             nobody has begun
    2. it is renamed to `<id>.work`               taken
    3. the hub is asked, under the request's key  the hub has recorded the call, or refused it
    4. `responses/<agent>/<id>.json` appears      answered; never looked at again

What happens when the relay dies between any two of them? Before 2, the next relay finds the file as it lay. After 2,
it finds a `.work` without a response, and goes on with step 3; it cannot know whether the hub has been asked before,
and need not: the request's id is its idempotency key, so the hub does it once and gives the same answer again. After
4, there is nothing left to do. Step 4 is a rename of a complete file, so there is no half of an answer either; the
files are not flushed to disk, since after a power cut a lost or empty response is only one more `.work` without one.

An id that is used again: when the same request lies beside its response, the response stands. For another request
under a used id the old response is withdrawn *before* step 2, so that no death can make the old answer count for the
new request; the hub then refuses a write whose key belongs to another. A response that tells of a fault of the hub
(5xx) does not stand: who hands the request in again wants it tried again.

A hook has no key: see `relay.hook_calls`.

Writes, and reads that do not wait, keep the order of their files. A long poll runs beside them, and so does the wait
for a file whose writer has not finished: for as long as it keeps changing, and at most `Pace.patience_sec`.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from msgspec import Struct

from relay.agent_folder import AgentFolder, Unfinished
from relay.cursors import CursorRead
from relay.envelope import (
    SERVER_FAULT,
    UNAVAILABLE,
    Refused,
    Request,
    encode_answer,
    encode_refusal,
    idempotency_key,
    readable,
)
from relay.files import TAKEN, Mark, stem_of
from relay.hook_calls import ask_once, check_hook
from relay.hub_answers import find_grant, is_stopping
from relay.pace import Pace
from relay.send import HubUnreachable, Send
from relay.session_owner import check_session

log = logging.getLogger("arc.relay")


class LeftForNext(Exception):
    """The relay is closing, and the hub has not answered: the next relay asks."""


class Courier:
    """Serves one agent's folder.

    Args:
        folder: its name.
        open_folder: opens it, for as long as something is done there.
        send: the way to the hub.
        pace: how long it waits for what, and how much it takes on.
    """

    def __init__(self, folder: str, open_folder: Callable[[], AgentFolder], send: Send, pace: Pace) -> None:
        self._answered = 0
        self._pruned = -pace.prune_after  # what an earlier relay has left is worth a look
        self._folder = folder
        self._open = open_folder
        self._pace = pace
        self._send = send
        self._queue: deque[str] = deque()
        self._known: set[str] = set()
        self._wait_until: dict[str, float] = {}
        self._beside = asyncio.Semaphore(pace.beside)
        self._tasks: set[asyncio.Future[None]] = set()
        self._serving = False
        self._closing = asyncio.Event()
        self._complained = False

    def resume(self) -> None:
        """Carry on with what the relay before this one has left.

        Raises:
            OSError: the folder is gone.
        """
        with self._open() as folder:
            names = folder.list_unanswered()
        for name in names:  # all of it, however full: no look will find it again
            self._known.add(name)
            self._queue_up(name)

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._known or self._tasks)

    @property
    def full(self) -> bool:
        """Whether no more requests can be remembered; they wait where they lie."""
        return len(self._known) >= self._pace.max_known

    def enqueue(self, name: str) -> bool:
        """Have a request served after those before it.

        Args:
            name: of a `.json` file, or of a `.work` file that has no response.

        Returns:
            Whether it is new: False while it is under way, or set aside for a while, or there is no room for it.
        """
        if name in self._known or self.full or self._closing.is_set():
            return False
        self._known.add(name)
        self._queue_up(name)
        return True

    async def finish(self, grace_sec: float) -> None:
        """Take nothing more, and let what is under way end within `grace_sec`; the rest is for the next relay."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_sec)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def prune(self) -> None:
        """Delete what was answered long ago, when there is enough of it to be worth the while."""
        if self._answered - self._pruned >= self._pace.prune_after:
            self._pruned = self._answered
            with suppress(OSError), self._open() as folder:
                folder.prune(time.time())

    # The queue ------------------------------------------------------------------------------------------------------

    def _queue_up(self, name: str) -> None:
        self._queue.append(name)
        if not self._serving:
            self._serving = True
            self._start(self._serve_all())

    def _start(self, work: Awaitable[None]) -> asyncio.Future[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_beside(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._beside.acquire()
        self._start(work()).add_done_callback(lambda _task: self._beside.release())

    async def _serve_all(self) -> None:
        try:
            while self._queue and not self._closing.is_set():
                name = self._queue.popleft()
                try:
                    await self._serve(name)
                except Exception as error:  # the shell of the relay: what is wrong with one request must not end it
                    log.exception("relay: request %s of %s", name, self._folder)
                    self._set_aside(name, error)
                await asyncio.sleep(0)  # let the others go on, even if this agent is answered without the hub
        finally:
            self._serving = False

    async def _serve(self, name: str) -> None:
        even_unfinished = time.monotonic() >= self._wait_until.get(name, math.inf)
        try:
            with self._open() as folder:
                taken = folder.take(name, even_unfinished=even_unfinished)
                if isinstance(taken, Request) and taken.is_hook:
                    taken = check_hook(folder, name, taken, self._pace.hook_sec)
        except FileNotFoundError:  # another relay has taken it, or the spool is gone
            self._forget(name)
            return
        except OSError as error:
            self._set_aside(name, error)
            return
        if isinstance(taken, Unfinished):
            await self._run_beside(partial(self._wait_for_writer, name, taken.mark))
            return
        self._forget(name)
        if isinstance(taken, Refused):
            self._answer(stem_of(name), _refusal(taken, taken.request_id or readable(stem_of(name))))
        elif taken is not None and taken.waits:
            await self._run_beside(partial(self._carry, stem_of(name), taken))
        elif taken is not None:
            await self._carry(stem_of(name), taken)

    async def _wait_for_writer(self, name: str, mark: Mark) -> None:
        """Queue a file again when its writer has paused, and for the last time when nobody writes to it any more."""
        now = changed_at = time.monotonic()
        written = False
        give_up_at = self._wait_until.setdefault(name, now + self._pace.patience_sec)
        while now < min(changed_at + self._pace.quiet_sec, give_up_at):
            await asyncio.sleep(self._pace.look_again_sec)
            now = time.monotonic()
            try:
                with self._open() as folder:
                    seen = folder.mark(name)
            except OSError:  # it is gone; if not, the next look at the folder finds it
                self._forget(name)
                return
            if seen != mark:
                mark, changed_at, written = seen, now, True
            elif written:
                self._queue_up(name)
                return
        self._wait_until[name] = now
        self._queue_up(name)

    def _set_aside(self, name: str, error: Exception) -> None:
        if not self._complained:
            log.warning("relay: requests of %s cannot be served now: %s", self._folder, error)
            self._complained = True
        asyncio.get_running_loop().call_later(self._pace.retry_sec, self._forget, name)

    def _forget(self, name: str) -> None:
        self._known.discard(name)
        self._wait_until.pop(name, None)

    # Carrying -------------------------------------------------------------------------------------------------------

    async def _carry(self, stem: str, request: Request) -> None:
        try:
            carried = await self._ask_for(request)
        except LeftForNext:
            return
        became = self._answer(stem, carried.response)
        if became == "there" and request.is_hook:
            with suppress(OSError), self._open() as folder:
                folder.seal(stem)
        with suppress(LeftForNext):
            if became == "unread" and carried.give_back is not None:
                await self._ask("POST", *carried.give_back, {"X-Arc-Agent": self._folder})
            if became == "there" and carried.move is not None:
                await self._ask("GET", carried.move, b"", {})

    async def _ask_for(self, request: Request) -> "_Carried":
        """Have the hub do what a request asks for; the response also tells what went wrong.

        Raises:
            LeftForNext: the relay is closing.
        """
        try:
            await check_session(self._ask, request, self._folder)
            reading, headers = CursorRead.find(request), {}
            if request.writes:
                headers["X-Arc-Agent"] = self._folder
            if request.is_hook:
                status, body = await ask_once(self._send, request, headers)
            else:
                if request.writes:
                    headers["Idempotency-Key"] = idempotency_key(self._folder, request.request_id)
                path = request.path if reading is None else reading.path
                status, body = await self._ask(request.method, path, request.encode_body(), headers)
            response = encode_answer(request.request_id, status, body, _now())
            move = None if reading is None else reading.path_to_move(body)
            return _Carried(response, find_grant(request, body), move)
        except LeftForNext:
            raise
        except Refused as refused:
            return _Carried(_refusal(refused, request.request_id))
        except Exception:  # the shell, as in _serve_all
            log.exception("relay: %s %s of %s", request.method, request.path, self._folder)
            failed = Refused("the hub failed; its log says why", status=SERVER_FAULT)
            return _Carried(_refusal(failed, request.request_id))

    async def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        first_sec, longest_sec = self._pace.reconnect_sec
        pause_sec = first_sec
        while True:
            try:
                status, answer = await self._send(method, path, body, headers)
            except HubUnreachable as error:
                if pause_sec == first_sec:
                    log.warning("relay: %s; trying again until it answers", error)
            else:
                if status != UNAVAILABLE or not is_stopping(answer):
                    return status, answer
            if self._closing.is_set():
                raise LeftForNext
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause_sec)
            pause_sec = min(pause_sec * 2, longest_sec)

    def _answer(self, stem: str, response: bytes) -> Literal["there", "unread", "later"]:
        """Hand a response over, and tell what became of it.

        It is unread when nobody is there who could find it. What comes later is asked for again then.
        """
        try:
            with self._open() as folder:
                folder.answer(stem, response)
        except FileNotFoundError:
            return "unread"  # the spool is gone, and so is the agent that waited
        except OSError as error:  # it lies there as .work without a response, and is carried again, under its key
            self._set_aside(stem + TAKEN, error)
            asyncio.get_running_loop().call_later(self._pace.retry_sec, self.enqueue, stem + TAKEN)
            return "later"
        self._answered += 1
        self._complained = False
        return "there"


class _Carried(Struct, frozen=True):
    """What came of a request.

    Attributes:
        response: what its file is to hold.
        give_back: path and body of the call that frees what was granted, if the response cannot be handed over.
        move: the path that moves a cursor, once the response lies there.
    """

    response: bytes
    give_back: tuple[str, bytes] | None = None
    move: str | None = None


def _refusal(refused: Refused, request_id: str) -> bytes:
    return encode_refusal(request_id, refused.status, str(refused), _now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
