"""The hub as the hook of coding agents: it judges what a tool is about to do, and tells an agent what others did.

    route         `POST /v1/hooks/{harness}`: a harness's own JSON in, its own form of an answer out
    claude_code, codex, cursor, gemini, opencode, qwen
                  what one harness calls its events and how it wants to be answered
    calls         a call as all of them mean it, and the reply to it
    tools         which files a tool touches, and which command it runs; patches
    named_files   which of them are the hub's, and under which key
    windows       which agent a window of a harness is
    tool_guard    whether a tool may run
    guarded_git   what git says of a working tree: what has changed, what a commit would take
    absence       what changed while the hub was away
    outside       what changes while it runs, and no hook tells of
    news          what others said since an agent was told last
    shell/        what a shell command would do

Of what a hook sends only session, tool, paths, hashes and the decision are kept: never contents, prompts or commands.
"""
