"""Which files a tool touches, and which command it runs.

The tools of all harnesses in one table: their names differ, and no name means two things.
"""

from collections.abc import Mapping
from typing import Final

from api.hooks.calls import Body, Tool, text_of
from api.hooks.shell.patches import paths_of_patch

_WRITERS: Final = frozenset(
    {"edit", "write", "multiedit", "notebookedit", "write_file", "replace", "edit_file", "delete", "create_file"}
)
_READERS: Final = frozenset({"read", "read_file"})
_SHELLS: Final = frozenset({"bash", "powershell", "shell", "run_shell_command", "exec_command"})
_PATCHERS: Final = frozenset({"apply_patch", "patch"})
_PATHS: Final = ("file_path", "notebook_path", "filePath", "absolute_path", "path", "target_file")
_PATCHES: Final = ("command", "patchText", "patch", "input")


def read_tool(body: Body) -> Tool:
    """The tool that a hook is called for.

    Args:
        body: what the harness sends, with `tool_name` and `tool_input`.
    """
    name = text_of(body, "tool_name", "tool")
    given = body.get("tool_input", body.get("args"))
    arguments = given if isinstance(given, Mapping) else {}
    known = name.lower()
    if known in _WRITERS:
        return Tool(name, writes=_path_of(arguments))
    if known in _PATCHERS:
        return Tool(name, writes=paths_of_patch(text_of(arguments, *_PATCHES)))
    if known in _READERS:
        return Tool(name, reads=_path_of(arguments))
    if known in _SHELLS:
        return Tool(name, command=text_of(arguments, "command", "cmd"))
    return Tool(name)


def _path_of(arguments: Body) -> tuple[str, ...]:
    path = text_of(arguments, *_PATHS)
    return (path,) if path else ()
