"""Files as this system has them: opened as they are, and renamed or deleted while others may look at them."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    from arc.windows import patiently

    AS_IT_IS = os.O_BINARY
    """Flags of `os.open` for a file whose bytes stay as they are."""

    def replace(file: str | os.PathLike[str], name: str | os.PathLike[str]) -> None:
        """Give a file a name, in the place of whatever has it.

        Raises:
            OSError: it cannot be done.
        """
        patiently(lambda: os.replace(file, name))

    def remove(file: str | os.PathLike[str]) -> None:
        """Delete a file.

        Raises:
            OSError: it cannot be done.
        """
        patiently(lambda: os.unlink(file))

else:
    AS_IT_IS = os.O_NOFOLLOW
    """Flags of `os.open` for a file that is no link."""

    def replace(file: str | os.PathLike[str], name: str | os.PathLike[str]) -> None:
        """Give a file a name, in the place of whatever has it.

        Raises:
            OSError: it cannot be done.
        """
        os.replace(file, name)

    def remove(file: str | os.PathLike[str]) -> None:
        """Delete a file.

        Raises:
            OSError: it cannot be done.
        """
        os.unlink(file)
