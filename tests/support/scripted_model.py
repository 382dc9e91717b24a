"""A model that says what a test has written down, so that real coding agents run without an account.

It answers on loopback in the four forms that the programs speak: Anthropic's Messages (Claude Code), OpenAI's Responses
(Codex) and Chat Completions (opencode, Qwen Code), and Gemini's. Each request that offers tools takes the next step of
the script; when none is left, the turn is over.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
PART = "Do your part of it."
"""What a sub-agent is asked for."""


class Step:
    """One step of a script: a tool that the model calls.

    Args:
        do: `write`, `edit`, `read`, `shell`, or `begin` a sub-agent.
        path: the file, for all but a shell.
        old: what an edit replaces.
        new: what it, or a write, puts there.
        command: what the shell runs.
        before: called before the answer is given.
        inside: whether the sub-agent takes it.
    """

    def __init__(
        self,
        do: str,
        path: str = "",
        *,
        old: str = "",
        new: str = "",
        command: str = "",
        before: Callable[[], object] = lambda: None,
        inside: bool = False,
    ) -> None:
        self.do = do
        self.inside = inside
        self.path = path
        self.old = old
        self.new = new
        self.command = command
        self.before = before

    def to_call(self, offered: set[str], repository: str) -> tuple[str, Json]:
        """The tool that does this, of those that a program offers, and its arguments."""
        path = f"{repository}/{self.path}"
        if self.do == "begin":
            return _begin(offered)
        if self.do == "shell" or offered & {"exec_command", "shell"}:
            return self._in_shell(offered)
        camel = "write" in offered and "write_file" not in offered
        name = "filePath" if camel else "file_path"
        choices = {
            "write": ("Write", "write_file", "write"),
            "edit": ("Edit", "replace", "edit"),
            "read": ("Read", "read_file", "read"),
        }
        tool = next(choice for choice in choices[self.do] if choice in offered)
        given: Json = {name: path}
        if self.do == "write":
            given["content"] = self.new
        elif self.do == "edit":
            given |= {
                "oldString" if camel else "old_string": self.old,
                "newString" if camel else "new_string": self.new,
            }
            given |= {"instruction": "as written down"} if tool == "replace" else {}
        return tool, given

    def _in_shell(self, offered: set[str]) -> tuple[str, Json]:
        command = self.command or (f"cat {self.path}" if self.do == "read" else self._as_patch())
        if "exec_command" in offered:
            return "exec_command", {"cmd": command}
        if "shell" in offered:
            return "shell", {"command": ["bash", "-lc", command]}
        tool = next(name for name in ("Bash", "bash", "run_shell_command") if name in offered)
        return tool, {"command": command, "description": "as written down"}

    def _as_patch(self) -> str:
        lines = [f"+{line}" for line in self.new.splitlines()]
        if self.do == "write":
            change = [f"*** Add File: {self.path}", *lines]
        else:
            change = [f"*** Update File: {self.path}", "@@", *(f"-{line}" for line in self.old.splitlines()), *lines]
        return "\n".join(["apply_patch <<'PATCH'", "*** Begin Patch", *change, "*** End Patch", "PATCH"])


class CallTool(Step):
    """The model calls a tool of Arc's, whatever the program calls that.

    Args:
        name: the tool, without `arc_`.
        before: called before the answer is given.
        given: the tool's arguments.
    """

    def __init__(self, name: str, before: Callable[[], object] = lambda: None, **given: object) -> None:
        super().__init__("call", before=before)
        self._name = name
        self._given = given

    def to_call(self, offered: set[str], repository: str) -> tuple[str, Json]:
        (tool,) = [name for name in offered if name.endswith(f"arc_{self._name}")]
        return tool, self._given


class ScriptedModel:
    """A running model.

    Args:
        steps: what it does, one step a request.
        repository: the folder that paths are in.

    Attributes:
        requests: what it was sent, decoded.
        url: where it answers.
    """

    def __init__(self, steps: list[Step], repository: str) -> None:
        self.requests: list[Json] = []
        self._steps = list(steps)
        self._repository = repository
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def saw(self, text: str) -> bool:
        """Whether a text reached the model."""
        wanted = json.dumps(text)[1:-1]
        return any(wanted in json.dumps(request) for request in self.requests)

    def add(self, *steps: Step) -> None:
        """Further steps, for the requests that come."""
        with self._lock:
            self._steps += steps

    def next_call(self, body: Json) -> tuple[str, Json] | None:
        """What the model does next; None when its turn is over, or it was asked for a title or the like."""
        offered = set(_tools_of(body))
        with self._lock:
            self.requests.append(body)
            inside = _is_inside(body)
            step = next((step for step in self._steps if step.inside == inside), None)
            if not offered or step is None:
                return None
            self._steps.remove(step)
        step.before()
        return step.to_call(offered, self._repository)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def scripted_model(steps: list[Step], repository: str) -> Iterator[ScriptedModel]:
    """A model that runs until the end of the block."""
    model = ScriptedModel(steps, repository)
    thread = threading.Thread(target=model.serve, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.close()
        thread.join(10)


def _is_inside(body: Json) -> bool:
    """Whether a request is a sub-agent's: its user asks for a part."""
    said = body.get("messages") or body.get("input") or []
    return any(PART in json.dumps(one) for one in said if isinstance(one, dict) and one.get("role") == "user")


def _begin(offered: set[str]) -> tuple[str, Json]:
    """The tool that begins a sub-agent, and waits for it where it can."""
    if "spawn_agent" in offered:
        return "spawn_agent", {"message": PART}
    asked: Json = {"description": "a part", "prompt": PART, "subagent_type": "general-purpose"}
    if "agent" in offered:
        return "agent", {**asked, "run_in_background": False}
    return "Agent" if "Agent" in offered else "Task", asked


def _tools_of(body: Json) -> Iterator[str]:
    return (name for _, name in _spaces_of(body))


def _spaces_of(body: Json) -> Iterator[tuple[str, str]]:
    """The tools that a request offers, each after the namespace that it is in; empty for none."""
    for tool in body.get("tools") or []:
        if tool.get("type") == "namespace":
            yield from ((tool["name"], one["name"]) for one in tool["tools"])
            continue
        for one in tool.get("functionDeclarations") or [tool.get("function") or tool]:
            if one.get("name"):
                yield "", one["name"]


Events = list[tuple[str, Json]]


def _anthropic(body: Json, call: tuple[str, Json] | None, number: int) -> tuple[Json, Events]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    block: Json
    start: Json
    delta: Json
    if call is None:
        block = {"type": "text", "text": "done"}
        start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}
    else:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": call[0], "input": call[1]}
        start, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
    stop = {"stop_reason": "end_turn" if call is None else "tool_use", "stop_sequence": None}
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "usage": usage,
    }
    whole = {**message, **stop, "content": [block]}
    events: list[Json] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "stop_sequence": None}},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": usage},
        {"type": "message_stop"},
    ]
    return whole, [(event["type"], event) for event in events]


def _responses(body: Json, call: tuple[str, Json] | None, number: int) -> tuple[Json, Events]:
    if call is None:
        said = [{"type": "output_text", "text": "done"}]
        item: Json = {"type": "message", "role": "assistant", "id": f"msg_{number}", "content": said}
    else:
        item = {"type": "function_call", "call_id": f"call_{number}", "name": call[0], "arguments": json.dumps(call[1])}
        space = next((space for space, name in _spaces_of(body) if name == call[0]), "")
        item |= {"namespace": space} if space else {}
    usage = {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2,
    }
    about = {"id": f"resp_{number}", "object": "response", "model": body.get("model")}
    whole = {**about, "status": "completed", "output": [item], "usage": usage}
    events: list[Json] = [
        {"type": "response.created", "response": {**about, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return whole, [(event["type"], event) for event in events]


def _chat(body: Json, call: tuple[str, Json] | None, number: int) -> tuple[Json, Events]:
    message: Json = {"role": "assistant", "content": "done" if call is None else None}
    if call is not None:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        message["tool_calls"] = [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]
    stop = "stop" if call is None else "tool_calls"
    about = {"id": f"chatcmpl-{number}", "created": 0, "model": body.get("model")}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    choice = {"index": 0, "message": message, "finish_reason": stop}
    whole = {**about, "object": "chat.completion", "usage": usage, "choices": [choice]}
    part = {**about, "object": "chat.completion.chunk"}
    first = {**part, "choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    return whole, [
        ("", first),
        ("", {**part, "choices": [{"index": 0, "delta": {}, "finish_reason": stop}], "usage": usage}),
    ]


def _gemini(body: Json, call: tuple[str, Json] | None, number: int) -> tuple[Json, Events]:
    part: Json = {"text": "done"}
    if call is not None:
        part = {"functionCall": {"id": f"call_{number}", "name": call[0], "args": call[1]}}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    whole = {"responseId": f"r{number}", "usageMetadata": usage, "candidates": [candidate]}
    return whole, [("", whole)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: ScriptedModel

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the library
        pass

    def do_HEAD(self) -> None:
        self._reply(200, "")

    def do_GET(self) -> None:
        self._reply(200 if self.path.endswith("/models") else 404, {"object": "list", "data": [], "models": []})

    def do_POST(self) -> None:
        body = json.loads(self._read() or b"{}")
        path = self.path.partition("?")[0]
        if path.endswith(("count_tokens", ":countTokens")):
            self._reply(200, {"input_tokens": 1, "totalTokens": 1})
            return
        forms = {"/messages": _anthropic, "/responses": _responses, "/chat/completions": _chat}
        form = next((one for end, one in forms.items() if path.endswith(end)), _gemini)
        call = self.model.next_call(body)
        whole, events = form(body, call, len(self.model.requests))
        if not (body.get("stream") or "streamGenerateContent" in path):
            self._reply(200, whole)
            return
        lines = [(f"event: {kind}\n" if kind else "") + f"data: {json.dumps(event)}\n\n" for kind, event in events]
        self._reply(200, "".join(lines) + ("data: [DONE]\n\n" if form is _chat else ""))

    def _read(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reply(self, status: int, answer: Json | str) -> None:
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
