"""`POST /v1/hooks/{harness}`: a harness's hook calls, and is answered in the harness's own form."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta, Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.hooks import claude_code, codex, cursor, gemini, opencode, qwen
from api.hooks.calls import NOTHING, Body, HookCall, HookReply
from api.hooks.named_files import NamedFiles
from api.hooks.news import News
from api.hooks.outside import Outside
from api.hooks.tool_guard import TRANSPORT, Mode, ToolGuard, Verdict
from api.hooks.windows import BY, Window, Windows
from api.http.bodies import read_body, refuse_encoding
from api.http.connection import connection_of
from api.http.headers import HEADERS, find_sender
from api.http.idempotency import HEADER, KEY
from api.http.queries import QueryReader
from api.http.routes import Route, Site, SpecialRoute, check_reader
from arclog.deciders.files import EndTurn
from arclog.deciders.sessions import CloseSession
from arclog.deciders.wakes import SeeWake
from arclog.errors import Forbidden, InvalidInput, NotFound
from projections import sessions, wakes

CLEAR: Final = "clear"
"""Why a session begins or ends whose user has cleared it: the window goes on."""
MAX_FOLDERS: Final = 1_000
MAX_WINDOWS: Final = 4_096
HOST_PROCESS: Final = b"x-arc-host-process"
"""The harness's process and when that started, from a hook that runs below it."""


class Harness(Protocol):
    """What the module of a harness offers."""

    HOST: str
    BY_PROCESS: bool

    def read(self, body: Body, /) -> HookCall: ...
    def answer(self, call: HookCall, reply: HookReply, /) -> bytes: ...


HARNESSES: Final[dict[str, Harness]] = {
    "claude-code": claude_code,
    "codex": codex,
    "cursor": cursor,
    "gemini": gemini,
    "opencode": opencode,
    "qwen": qwen,
}


class HookQuery(Struct, frozen=True, kw_only=True):
    """Which harness calls, and what its repository chose."""

    harness: Annotated[str, Meta(description="the harness: " + ", ".join(sorted(HARNESSES)))]
    mode: Annotated[
        Mode,
        Meta(description="`auto` locks what is edited, `check` only refuses what others hold, `off` judges nothing"),
    ] = "auto"
    scope: Annotated[
        Literal["repository", "user"],
        Meta(description="`user`: the hook is for all folders of its user; a repository's own comes before it"),
    ] = "repository"


class HookAnswer(Struct, frozen=True):
    """What a hook is answered.

    Attributes:
        body: in the harness's own form.
        unread: to be called when it turns out that nobody has read it, as when the harness gave up its hook.
    """

    body: bytes
    unread: Callable[[], None] | None = None


class Hooks:
    """The hooks of one hub."""

    def __init__(self, site: Site) -> None:
        self._hub = site.hub
        self._windows = Windows(site.hub)
        self._named = NamedFiles(site.hub.roots)
        self._outside = Outside(site.hub, self._named)
        self._tool_guard = ToolGuard(site.hub, self._named, self._outside.note_read)
        self._news = News(site.hub)
        self._here: dict[str, bool] = {}
        self._of_repository: set[tuple[str, str]] = set()
        """Windows whose repository has hooks of its own."""

    async def answer_call(
        self, harness: Harness, body: Body, query: HookQuery, process: str, sender: str
    ) -> HookAnswer:
        """The answer to one call of a hook. At most one event is appended, and one more at the first of a sub-agent.

        Args:
            harness: who calls.
            body: what it sends.
            query: what the repository, or the user, chose.
            process: the harness's process, where the hook runs below it.
            sender: whose window it is, where its carrier knows, as the relay does; else it is told by the session.
        """
        call = harness.read(body)
        if call.moment == "other" or not (call.session or process or sender):
            return HookAnswer(b"")
        if not self._is_here(call.folder):
            return HookAnswer(harness.answer(call, self._point_out(call)))
        self._outside.watch(call.folder)
        window = Window(harness.HOST, call, process, sender, by_process=harness.BY_PROCESS)
        if self._is_second(window, query.scope):
            return HookAnswer(b"")
        try:
            if sender:
                check_reader(self._hub, sender)
            agent_id, reply = await self._judge(window, call, query.mode)
        except Forbidden as forbidden:
            return HookAnswer(harness.answer(call, _forbid(call, str(forbidden))))
        tells = reply.context or reply.go_on
        unread = self._news.unread(agent_id) if tells else None
        return HookAnswer(harness.answer(call, reply), unread)

    def _is_here(self, folder: str) -> bool:
        """Whether a folder belongs to this hub; each window comes with the same one time after time."""
        known = self._here.get(folder)
        if known is None:
            if len(self._here) >= MAX_FOLDERS:
                self._here.clear()
            known = self._here[folder] = self._named.is_here(folder)
        return known

    def _is_second(self, window: Window, scope: str) -> bool:
        """Whether the window's repository has a hook of its own for this, so that the user's would be the second."""
        if scope == "user":
            return window.key in self._of_repository
        if len(self._of_repository) >= MAX_WINDOWS:
            self._of_repository.clear()
        self._of_repository.add(window.key)
        return False

    async def _judge(self, window: Window, call: HookCall, mode: Mode) -> tuple[str, HookReply]:
        """What a hook is told, and which agent that is: the window's, or a sub-agent of it."""
        if call.moment == "session_start":
            reply = await self._welcome(window, call)
            return self._windows.find(window), reply
        if call.moment == "prompt":
            self._windows.forget(window)
        agent_id = self._windows.find(window)
        if call.sub_agent:
            self._hub.attendance.see(agent_id)
            agent_id = await self._windows.find_sub_agent(window, call, TRANSPORT)
        self._news.hear_from(agent_id)
        head = self._hub.last_event_id
        if call.moment == "before":
            verdict = await self._judge_tool(agent_id, call, mode)
            reply = HookReply(refusal=f"Arc: {verdict.refusal}") if verdict.refusal else NOTHING
            has_acted = verdict.event_id > head
        else:
            reply, has_acted = await self._judge_moment(agent_id, call, mode), False
        if not has_acted:
            await self._see(agent_id, head)
        return agent_id, reply

    async def _see(self, agent_id: str, head: int) -> None:
        """An agent that is to wake is seen; an event of its own, after `head`, shows that it is there anyway."""
        wake = self._hub.read(wakes.find_last, agent_id)
        if wake is None or wake.state in {"seen", "acknowledged"}:
            return
        if not self._hub.read(wakes.did_anything, agent_id, head):
            await self._hub.execute(SeeWake(agent_id=agent_id), transport=TRANSPORT)

    async def _judge_tool(self, agent_id: str, call: HookCall, mode: Mode) -> Verdict:
        """Whether a tool may run that is about to."""
        await self._tool_guard.note_patched(agent_id)
        verdict = await self._tool_guard.judge(agent_id, call.folder, call.tool, mode)
        if not verdict.refusal:
            self._hub.attendance.begin_tool(agent_id)
        return verdict

    async def _judge_moment(self, agent_id: str, call: HookCall, mode: Mode) -> HookReply:
        """What a hook is told at any other moment."""
        self._hub.attendance.end_tool(agent_id)
        if call.moment != "after":
            await self._tool_guard.note_patched(agent_id)
        match call.moment:
            case "after":
                if mode != "off":
                    await self._tool_guard.note(agent_id, call.folder, call.tool)
                return HookReply(context=await self._news.tell(agent_id))
            case "prompt":
                return HookReply(context=await self._news.tell(agent_id))
            case "turn_end" | "sub_agent_end":
                news = await self._news.go_on(agent_id)
                if not news and call.sub_agent:
                    await self._leave(agent_id, call)
                elif not news:
                    await self._hub.execute(EndTurn(agent_id=agent_id), transport=TRANSPORT)
                return HookReply(go_on=news)
            case "sub_agent_start":
                return HookReply(context=self._greet_sub_agent(agent_id))
            case _:
                await self._leave(agent_id, call)
                return NOTHING

    async def _welcome(self, window: Window, call: HookCall) -> HookReply:
        self._news.hear_from(self._windows.find(window))  # before its session begins, which is news of its own
        agent_id = await self._windows.open(window, TRANSPORT, cleared=call.source == CLEAR)
        hello = (
            f"Arc: this window is the agent {agent_id} at the hub of {self._hub.roots.own.folder}. Other agents may "
            "work in the same files: what you edit is locked for you until your turn ends, and what others hold is "
            "refused."
        )
        news = await self._news.tell(agent_id)
        return HookReply(context=f"{hello}\n{news}" if news else hello)

    def _greet_sub_agent(self, agent_id: str) -> str:
        return (
            f"Arc: you are the sub-agent {agent_id} at the hub of {self._hub.roots.own.folder}. Others may work in the "
            "same files, those that were started beside you too: what you edit is locked for you until you end, and "
            "what others hold is refused."
        )

    async def _leave(self, agent_id: str, call: HookCall) -> None:
        ended = await self._hub.execute(EndTurn(agent_id=agent_id), transport=TRANSPORT)
        session = self._hub.read(sessions.find_session, agent_id, self._hub.now())
        if ended.event_id is not None or session is None or call.source == CLEAR:
            return
        said = msgspec.json.decode(session.metadata)
        if isinstance(said, dict) and said.get("by") == BY:
            await self._hub.execute(CloseSession(session_id=session.session_id), transport=TRANSPORT)

    def _point_out(self, call: HookCall) -> HookReply:
        """What a window of another folder is told: nothing is decided for it."""
        if call.moment not in {"session_start", "prompt"}:
            return NOTHING
        root = self._hub.roots.own.folder
        return HookReply(context=f"Arc: the hub that this hook calls is that of {root}; nothing is guarded here.")


def _forbid(call: HookCall, why: str) -> HookReply:
    """What a window is told whose agent's name is bound to a token that the hook did not show."""
    said = f"Arc: {why}. Start the harness with ARC_TOKEN in its environment."
    if call.moment == "before":
        return HookReply(refusal=said)
    return HookReply(context=said) if call.moment in {"session_start", "prompt"} else NOTHING


def serve_hooks(site: Site) -> ASGIApp:
    """The endpoint."""
    hooks = Hooks(site)
    read, most = QueryReader(HookQuery).read, site.hub.settings.limits.max_request_bytes

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, most)
        if KEY in scope[HEADERS]:
            raise InvalidInput(HEADER, "has no meaning for a hook, which tells what is happening now: leave it out")
        query = read(scope)
        harness = HARNESSES.get(query.harness)
        if harness is None:
            raise NotFound("harness", query.harness, f"is not one of {', '.join(sorted(HARNESSES))}")
        process = scope[HEADERS].get(HOST_PROCESS, b"").decode("latin-1")
        answer = await hooks.answer_call(harness, _decode(body), query, process, find_sender(scope))
        connection = connection_of(scope)
        if answer.unread is not None:
            connection.watch(answer.unread)
        await site.responder.send(send, 200, answer.body)
        if answer.unread is not None and connection.has_ended:
            answer.unread()

    return serve


def _decode(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        refuse_encoding(body)
        raise InvalidInput("body", "must be the JSON that a harness gives to its hooks") from None
    if not isinstance(decoded, dict):
        raise InvalidInput("body", "must be a JSON object")
    return decoded


ROUTES: tuple[Route, ...] = (
    SpecialRoute(
        does="Judge what a harness's hook asks about, and answer in the harness's own form.",
        method="POST",
        path="/v1/hooks/{harness}",
        query=HookQuery,
        media_type="application/json",
        start=serve_hooks,
        values=tuple(HARNESSES),
    ),
)
