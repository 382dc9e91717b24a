"""The signals that tell a process to end."""

import signal
import sys

if sys.platform == "win32":

    def orders_to_end() -> list[signal.Signals]:
        """Ctrl-C and Ctrl-Break, as which a closed console, a logoff and a shutdown of the machine come too."""
        return [signal.SIGTERM, signal.SIGINT, signal.SIGBREAK]

else:

    def orders_to_end() -> list[signal.Signals]:
        """SIGTERM, SIGINT, and SIGHUP, which comes when the terminal closes; not where that is ignored (`nohup`)."""
        orders = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            orders.append(signal.SIGHUP)
        return orders
