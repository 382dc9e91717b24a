"""Windows that do not exist, with a process each, whose hooks are called as a harness calls them."""

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from arc.harnesses import HARNESSES
from arc.host_session import find_boot_id, find_start
from cli.doctor import stand_in
from cli.doctor.hook_files import Called

WITHIN_SEC: Final = 10.0


class Window:
    """A window of a harness.

    Args:
        harness: which.
        hooks: what it calls, by event.
        top: the folder that it works in.
    """

    def __init__(self, harness: str, hooks: Mapping[str, Called], top: Path) -> None:
        self._harness = HARNESSES[harness]
        self._hooks = hooks
        self._top = top
        self._session = f"doctor-{uuid4().hex}"
        self._folder = Path(tempfile.mkdtemp(prefix="arc-doctor-"))
        program = self._folder / self._harness.programs[0]
        shutil.copyfile(stand_in.__file__, program)
        self._process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=top, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        events = self._harness.events
        try:
            self._call(events.stop)
            if events.end in self._hooks:
                self._call(events.end, reason="other")
        finally:
            self._process.kill()
            self._process.communicate()
            shutil.rmtree(self._folder, ignore_errors=True)

    def begin(self) -> str:
        """Begin the session; the name of its agent, empty where none is told."""
        said = self._call(self._harness.events.start, source="startup")
        return said.partition("is the agent ")[2].split(" ")[0]

    def before(self, path: Path) -> str:
        """What is answered before a file is written."""
        return self._call(self._harness.events.before, **self._writing(path))

    def after(self, path: Path) -> str:
        """What is answered after it."""
        return self._call(self._harness.events.after, **self._writing(path))

    def _writing(self, path: Path) -> dict[str, Any]:
        tool = self._harness.writer
        if self._harness.form == "plugin":
            return {"tool": tool, "args": {"filePath": str(path)}}
        return {"tool_name": tool, "tool_input": {"file_path": str(path)}}

    def _call(self, event: str, **more: Any) -> str:  # noqa: ANN401 - fields of a harness's JSON
        named = {"hook_event_name": event, "cwd": str(self._top)}
        if self._harness.form == "plugin":
            named = {"event": event, "directory": str(self._top)}
        body = {self._harness.session: self._session, **named, **more}
        hook = self._hooks[event]
        return self._post(hook.url, body) if hook.url else self._run(hook.words, body)

    def _post(self, url: str, body: Mapping[str, Any]) -> str:
        headers = {"Content-Type": "application/json"}
        started = find_start(self._process.pid)
        if self._harness.form == "plugin" and started:
            headers["X-Arc-Host-Process"] = f"{self._process.pid} {started} {find_boot_id() or ''}".strip()
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - the user's own files name it
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_SEC) as answer:  # noqa: S310
                return str(answer.read().decode())
        except OSError as error:
            return f"failed: {error}"

    def _run(self, words: tuple[str, ...], body: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{json.dumps([words, json.dumps(body)])}\n")
            self._process.stdin.flush()
            return str(json.loads(self._process.stdout.readline()))
        except (OSError, ValueError):
            return "failed: the window's process has ended"
