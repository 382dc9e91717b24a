"""What agents did to files, as their harness's hooks saw it: paths and hashes, never a file's content.

A write is always an event. A read is one only where it matters: where another agent had written the file since this one
knew it last, so that from here on its edits build on what stands there.
"""

from typing import ClassVar

from arclog.events.locks import OnPaths


class OnFiles(OnPaths, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What an agent did to one file or several.

    Attributes:
        agent_id: who did it.
        tool: what it used, as its harness calls it.
        digests: for each path the start of the SHA-256 of what then stood there, in hex; empty where it is not known.
    """

    agent_id: str
    tool: str = ""
    digests: tuple[str, ...] = ()

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"file/{self.key or self.file_path}"


class FileWritten(OnFiles, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent wrote files."""

    type: ClassVar[str] = "file.written"


class FileRead(OnFiles, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent read files that another had written since it knew them last."""

    type: ClassVar[str] = "file.read"
