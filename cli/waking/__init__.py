"""Calling an agent that is idle, on the machine where its harness runs.

    window          all of it for the window of one MCP server
    waker           waits for the wakes of one agent, takes the turns that are its harness's, and reports them
    claude_inbox    the road into a window of Claude Code: the socket that it gives to its MCP servers
    codex_queue     the road into a thread of Codex: its own command
    watching        `arc watch --wake`: a command of the user's calls the agent
    reply_road      the road back: a window of Claude Code sends a message to the socket that called it

Who calls runs beside the harness (`arc mcp`), since only there the way in is known; what opens it never leaves that
process. Everybody else is called by `arc watch --wake`.
"""
