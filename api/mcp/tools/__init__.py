"""Every tool there is, one module a noun."""

from typing import Any, Final

from api.mcp.tool import Tool
from api.mcp.tools import (
    channels,
    claims,
    digest,
    locks,
    log,
    messages,
    questions,
    requests,
    search,
    sessions,
    tasks,
    threads,
    wakes,
)

TOOLS: Final[tuple[Tool[Any], ...]] = (
    *messages.TOOLS,
    *requests.TOOLS,
    *questions.TOOLS,
    *sessions.TOOLS,
    *digest.TOOLS,
    *channels.TOOLS,
    *search.TOOLS,
    *threads.TOOLS,
    *claims.TOOLS,
    *locks.TOOLS,
    *tasks.TOOLS,
    *log.TOOLS,
    *wakes.TOOLS,
)
BY_NAME: Final = {tool.name: tool for tool in TOOLS}
