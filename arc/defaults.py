"""The defaults of the client. A copy of the client alone has no `arclog.limits`, so a test compares the two."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SPOOL_DIR: Final = ".arc-relay"
MAX_BODY_CHARS: Final = 128_000
MAX_ATTACHMENT_CHARS: Final = 256_000
MAX_ATTACHMENTS: Final = 32
PRESENCE_TTL_SEC: Final = 120.0
