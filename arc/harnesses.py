"""The harnesses that Arc guards: one table of all in which they differ, for the hook, setup, doctor and waking.

What each sends to the hub and wants to be answered is in `api.hooks`, a module each; here is what the machine around it
has to know. A table in docs/harnesses/README.md says the same for people.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    Form = Literal["block", "permission", "plugin"]


class Events:
    """What a harness calls the moments at which its hooks run; an empty text where it has none."""

    __slots__ = ("after", "before", "end", "prompt", "start", "stop", "sub_agent_end", "sub_agent_start")

    def __init__(
        self,
        start: str = "SessionStart",
        prompt: str = "UserPromptSubmit",
        before: str = "PreToolUse",
        after: str = "PostToolUse",
        stop: str = "Stop",
        sub_agent_start: str = "SubagentStart",
        sub_agent_end: str = "SubagentStop",
        end: str = "SessionEnd",
    ) -> None:
        self.start = start
        self.prompt = prompt
        self.before = before
        self.after = after
        self.stop = stop
        self.sub_agent_start = sub_agent_start
        self.sub_agent_end = sub_agent_end
        self.end = end

    def list_all(self) -> list[str]:
        """Those that there are, in the order in which they come."""
        every = (self.start, self.prompt, self.before, self.after, self.stop)
        return [name for name in (*every, self.sub_agent_start, self.sub_agent_end, self.end) if name]


class Harness:
    """One harness.

    Attributes:
        host: the first part of its agents' names.
        programs: what its program is called; the first starts it.
        hooks: the file in a repository that names its hooks.
        servers: the file in a repository that names its MCP servers, which may be the same.
        instructions: the file that its model reads first.
        home: the folder below the user's home that has the same for all folders; those of its files that lie beside it
            are named by `user_hooks` and `user_servers` too, as seen from the home.
        moved_by: the variable by which a user moves that folder; empty where there is none.
        user_hooks: the file of hooks for all folders of a user.
        user_servers: the file of MCP servers for all folders of a user.
        has_url_hooks: whether its hooks call a URL where they can, which costs no process, and do not know the relay.
        form: how a hook refuses a tool: `block` by `{"decision": "block"}`, `permission` by `{"permission": "deny"}`,
            `plugin` by `{"refusal": …}`, which our plugin throws.
        events: what it calls the moments.
        writes: the tools whose calls are judged, as its file of hooks spells that; empty for all.
        reads: the tools whose reads are noted after them.
        writer: the tool that writes a file.
        session: where its hooks name the window's session.
        session_variable: where its shell and its MCP servers are told the session; empty where they are not.
        process_variable: where they are told its process.
        by_process: whether its MCP servers are told no session, so that a window is known by its process.
        many_windows: whether one process has many windows, with an MCP server for each, and outlives them.
        counts_ms: whether it counts the time that a hook may take in milliseconds.
        trust: what its user has to do before the hooks run; empty for nothing.
        user_trust: the same for hooks of a user.
        wake: the road by which an idle window is woken, as the log calls it; empty where only `arc watch` can.
    """

    __slots__ = (
        "by_process",
        "counts_ms",
        "events",
        "form",
        "has_url_hooks",
        "home",
        "hooks",
        "host",
        "instructions",
        "many_windows",
        "moved_by",
        "process_variable",
        "programs",
        "reads",
        "servers",
        "session",
        "session_variable",
        "trust",
        "user_hooks",
        "user_servers",
        "user_trust",
        "wake",
        "writer",
        "writes",
    )

    def __init__(
        self,
        host: str,
        *,
        programs: tuple[str, ...],
        hooks: str,
        servers: str,
        home: str,
        user_hooks: str = "",
        user_servers: str = "",
        moved_by: str = "",
        instructions: str = "AGENTS.md",
        has_url_hooks: bool = False,
        form: Form = "block",
        events: Events,
        writes: str = "",
        reads: str = "",
        writer: str = "Write",
        session: str = "session_id",
        session_variable: str = "",
        process_variable: str = "",
        by_process: bool = False,
        many_windows: bool = False,
        counts_ms: bool = False,
        trust: str = "",
        user_trust: str = "",
        wake: str = "",
    ) -> None:
        self.host = host
        self.programs = programs
        self.hooks = hooks
        self.servers = servers
        self.home = home
        self.user_hooks = user_hooks or hooks
        self.user_servers = user_servers or servers
        self.moved_by = moved_by
        self.instructions = instructions
        self.has_url_hooks = has_url_hooks
        self.form = form
        self.events = events
        self.writes = writes
        self.reads = reads
        self.writer = writer
        self.session = session
        self.session_variable = session_variable
        self.process_variable = process_variable
        self.by_process = by_process
        self.many_windows = many_windows
        self.counts_ms = counts_ms
        self.trust = trust
        self.user_trust = user_trust
        self.wake = wake


CLAUDE_INBOX: Final = "claude-inbox"
CODEX_QUEUE: Final = "codex-queue"
_CODEX_TRUST: Final = "Codex runs hooks only once they are trusted: open codex here and look at /hooks."
_CURSOR_UNTRIED: Final = "The hooks of Cursor follow its documentation; they were not tried on the program itself."

HARNESSES: Final[dict[str, Harness]] = {
    "claude-code": Harness(
        "claude",
        programs=("claude",),
        hooks=".claude/settings.local.json",
        servers=".mcp.json",
        home=".claude",
        user_hooks=".claude/settings.json",
        user_servers=".claude.json",
        moved_by="CLAUDE_CONFIG_DIR",
        instructions="CLAUDE.md",
        has_url_hooks=True,
        events=Events(),
        writes="Edit|Write|MultiEdit|NotebookEdit|Bash|PowerShell",
        reads="Read",
        session_variable="CLAUDE_CODE_SESSION_ID",
        wake=CLAUDE_INBOX,
    ),
    "codex": Harness(
        "codex",
        programs=("codex",),
        hooks=".codex/hooks.json",
        servers=".codex/config.toml",
        home=".codex",
        moved_by="CODEX_HOME",
        events=Events(),
        writes="Edit|Write|apply_patch|Bash",
        session_variable="CODEX_THREAD_ID",
        many_windows=True,
        trust=_CODEX_TRUST,
        user_trust=_CODEX_TRUST,
        wake=CODEX_QUEUE,
    ),
    "cursor": Harness(
        "cursor",
        programs=("cursor-agent", "cursor"),
        hooks=".cursor/hooks.json",
        servers=".cursor/mcp.json",
        home=".cursor",
        form="permission",
        events=Events("sessionStart", "", "preToolUse", "postToolUse", "stop", "", "", "sessionEnd"),
        session="conversation_id",
        by_process=True,
        trust=_CURSOR_UNTRIED,
        user_trust=_CURSOR_UNTRIED,
    ),
    "gemini": Harness(
        "gemini",
        programs=("gemini",),
        hooks=".gemini/settings.json",
        servers=".gemini/settings.json",
        home=".gemini",
        events=Events("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "", ""),
        writes="write_file|replace|run_shell_command",
        reads="read_file",
        writer="write_file",
        by_process=True,
        counts_ms=True,
        trust="Gemini CLI runs a project's hooks in trusted folders only; arc setup gemini --user does without.",
    ),
    "opencode": Harness(
        "opencode",
        programs=("opencode",),
        hooks=".opencode/plugins/arc.js",
        servers="opencode.json",
        home=".config",
        user_hooks=".config/opencode/plugins/arc.js",
        user_servers=".config/opencode/opencode.json",
        moved_by="XDG_CONFIG_HOME",
        has_url_hooks=True,
        form="plugin",
        events=Events("start", "prompt", "before", "after", "idle", "", "", ""),
        writer="write",
        session="sessionID",
        process_variable="OPENCODE_PID",
        by_process=True,
    ),
    "qwen": Harness(
        "qwen",
        programs=("qwen",),
        hooks=".qwen/settings.json",
        servers=".qwen/settings.json",
        home=".qwen",
        events=Events(end=""),
        session_variable="QWEN_CODE_SESSION_ID",
        counts_ms=True,
    ),
}
"""By the name that `arc setup` and the hub know it by."""
