"""One agent's two folders, held open: the one way from the name of a request to its file, its content and its response.

What lies there is written by a sandbox that may mean harm: a file is read once, and judged by what was read.
"""

import hashlib
import heapq
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

from msgspec import Struct

from relay import folders
from relay.envelope import SERVER_FAULT, NotWhole, Refused, Request, parse_request, read_status
from relay.files import (
    PRIVATE,
    TAKEN,
    WAITING,
    Mark,
    NotAFile,
    ReadFile,
    delete_file,
    list_dated,
    mark_of,
    read_file,
    stem_of,
    write_file,
)
from relay.identity import check_identity

MAX_LEFT: Final = 100_000
"""Requests of one agent that are taken up again when a relay starts; the next start finds the next ones."""
MAX_RESPONSE_BYTES: Final = 1 << 20
"""The size up to which an earlier response is read, to see whether it stands; a longer one does not."""


class Keep(Struct, frozen=True, kw_only=True):
    """Which of an agent's answered requests stay.

    Attributes:
        always: how many of the newest, however old.
        at_most: beyond this many, none that is older than `at_least_sec`.
        sec: the age beyond which the others go.
        at_least_sec: the age below which none goes.
    """

    always: int = 100
    at_most: int = 1000
    sec: float = 86_400.0
    at_least_sec: float = 60.0


DEFAULT_KEEP: Final = Keep()


class Unfinished(Struct, frozen=True):
    """A file whose writer may still be at it; `mark` changes when it does."""

    mark: Mark


class AgentFolder:
    """The folders of one agent; a context manager that closes them.

    Args:
        name: the folders' name.
        requests: a handle of the folder of requests, to be closed here.
        responses: a handle of the folder of responses, to be closed here.
        max_bytes: the size of a request's file beyond which it is refused unread.
        file_mode: the permissions of files that are written.
    """

    def __init__(self, name: str, requests: int, responses: int, max_bytes: int, file_mode: int = PRIVATE) -> None:
        self._name = name
        self._requests = requests
        self._responses = responses
        self._max_bytes = max_bytes
        self._file_mode = file_mode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        folders.close(self._requests)
        folders.close(self._responses)

    def list_unanswered(self) -> list[str]:
        """The names of the requests that were taken and have no response, in order: their relay died."""
        with folders.scan(self._responses) as entries:
            # An empty file is no response: see _withdraw.
            answered = {stem_of(entry.name) for entry in entries if entry.stat(follow_symlinks=False).st_size}
        left = (dated for dated in list_dated(self._requests, TAKEN) if stem_of(dated[1]) not in answered)
        return [name for _, name in heapq.nsmallest(MAX_LEFT, left)]

    def mark(self, name: str) -> Mark:
        """What changes when a request's file does.

        Raises:
            FileNotFoundError: it is gone.
        """
        return mark_of(folders.look_at(self._requests, name))

    def take(self, name: str, *, even_unfinished: bool) -> Request | Refused | Unfinished | None:
        """Take a request, so that no other relay serves it too.

        Args:
            name: of a `.json` file, or of a `.work` file that was taken before.
            even_unfinished: whether a file that is not whole is to be judged as it is.

        Returns:
            What is asked for; or what is wrong with it; or that its writer has not finished, and then it was not
            taken; or None, when it has its answer already.

        Raises:
            FileNotFoundError: it is gone, or somebody else has taken it.
            OSError: it cannot be taken.
        """
        found, request = self._read_request(name)
        if isinstance(request, NotWhole) and found is not None and not even_unfinished:
            return Unfinished(found.mark)
        if name.endswith(TAKEN):
            return request
        stem = stem_of(name)
        stands = self._response_stands(stem, found, request)
        folders.rename(self._requests, name, stem + TAKEN)
        if found is not None and found.mark != self.mark(stem + TAKEN):  # it was replaced meanwhile
            return self._read_request(stem + TAKEN)[1]
        if stands and _is_hook(request):
            self.seal(stem)
        return None if stands else request

    def answer(self, stem: str, response: bytes) -> None:
        """Leave a response, which appears whole or not at all.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        write_file(self._responses, stem + WAITING, response, self._file_mode)

    def seal(self, stem: str) -> None:
        """Leave of a request that was taken a digest alone, by which the same is known when it comes again.

        Where the mount does not allow it, the request stays as it is.
        """
        with suppress(NotAFile, OSError):
            found = read_file(self._requests, stem + TAKEN, self._max_bytes)
            write_file(self._requests, stem + TAKEN, _seal(found.content), self._file_mode)

    def prune(self, now: float, keep: Keep = DEFAULT_KEEP) -> None:
        """Delete what was answered long ago, as far as the mount allows it.

        A request goes before its response: what dies between the two must not look like an unanswered request.

        Args:
            now: seconds since 1970, by the clock that dates the files.
            keep: what stays.
        """
        answers = sorted(list_dated(self._responses, ""), reverse=True)
        kept = 0
        with suppress(OSError):
            for changed_at, name in answers:
                age_sec = now - changed_at / 1e9
                kept += 1
                too_many = kept > keep.at_most and age_sec > keep.at_least_sec
                if too_many or (kept > keep.always and age_sec > keep.sec):
                    if name.endswith(WAITING):
                        delete_file(self._requests, stem_of(name) + TAKEN)
                    delete_file(self._responses, name)

    def rewrite(self, change: Callable[[bytes], bytes | None]) -> None:
        """Write again what `change` makes of the requests that were taken and of the responses; None leaves one alone.

        What cannot be read or written stays as it is.
        """
        for folder, suffix in ((self._requests, TAKEN), (self._responses, WAITING)):
            for _changed_at, name in list_dated(folder, suffix):
                with suppress(NotAFile, OSError):
                    content = change(read_file(folder, name, self._max_bytes).content)
                    if content is not None:
                        write_file(folder, name, content, self._file_mode)

    def _read_request(self, name: str) -> tuple[ReadFile | None, Request | Refused]:
        """The file, if it could be read, and what it asks for, or what is wrong with it."""
        try:
            found = read_file(self._requests, name, self._max_bytes)
        except NotAFile as problem:
            return None, Refused(str(problem))
        return found, self._parse(name, found)

    def _parse(self, name: str, found: ReadFile) -> Request | Refused:
        try:
            request = parse_request(found.content, self._name, stem_of(name))
            check_identity(request, self._name)
        except Refused as refused:
            return refused
        return request

    def _response_stands(self, stem: str, found: ReadFile | None, request: Request | Refused) -> bool:
        """Whether there is a response already that answers this request; one that does not is withdrawn."""
        try:
            status = read_status(self._read_response(stem))
        except FileNotFoundError:
            return False
        if found is not None and status is not None and (status < SERVER_FAULT or _is_hook(request)):
            with suppress(FileNotFoundError):
                earlier, asked = self._read_request(stem + TAKEN)
                known = (found.content, _seal(found.content))
                if earlier is not None and (earlier.content in known or asked == request):
                    return True
        self._withdraw(stem)
        return False

    def _read_response(self, stem: str) -> bytes:
        """The response to a request; empty when something lies in its place that is none.

        Raises:
            FileNotFoundError: there is none.
        """
        try:
            return read_file(self._responses, stem + WAITING, MAX_RESPONSE_BYTES).content
        except NotAFile:
            return b""

    def _withdraw(self, stem: str) -> None:
        """Take back the response to an earlier request of this id, so that the next one counts as unanswered.

        Where nothing can be deleted an empty file takes its place, which no client takes for a response.

        Raises:
            OSError: not even that is possible, so there can be no response.
        """
        try:
            folders.unlink(self._responses, stem + WAITING)
        except FileNotFoundError:
            return
        except OSError:
            self.answer(stem, b"")


def _is_hook(request: Request | Refused) -> bool:
    """Whether it is one whose response stands whatever it says, and of which no more than a digest is kept."""
    return isinstance(request, Request) and request.is_hook


def _seal(content: bytes) -> bytes:
    return b'{"sha256": "%s"}' % hashlib.sha256(content).hexdigest().encode()
