"""Telling a hub to end well: by a signal, or over HTTP where the system has no signals."""

import sys
from typing import Final

from arc.finding.probe import RunningHub
from cli.errors import CommandFailed

if sys.platform == "win32":
    from arc.errors import ArcError
    from arc.http import HttpTransport

    ASK_SEC: Final = 10.0

    def tell_to_end(hub: RunningHub, pid: int) -> None:
        """Have a hub shut down at once.

        Args:
            hub: the hub.
            pid: its process; to end that from outside would leave no trace in the log.

        Raises:
            CommandFailed: it does not take the order.
        """
        try:
            HttpTransport(hub.url, timeout=ASK_SEC).call("POST", "/v1/shutdown", {"delay_sec": 0})
        except ArcError as error:
            advice = f"end it with: taskkill /F /PID {pid}; nothing that was acknowledged is lost"
            raise CommandFailed(f"the hub at {hub.url} does not shut down: {error}; {advice}") from None

else:
    import os
    import signal

    def tell_to_end(hub: RunningHub, pid: int) -> None:
        """Send a hub's process SIGTERM.

        Args:
            hub: the hub.
            pid: its process, which may have ended meanwhile.

        Raises:
            CommandFailed: it belongs to another user.
        """
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise CommandFailed(f"the hub at {hub.url} (process {pid}) belongs to another user") from None
