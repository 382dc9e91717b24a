"""The time of this machine: since its start, by a clock that nothing sets, and by the wall clock."""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    from arclog.windows_time import read_awake, read_boot_id, read_elapsed
elif sys.platform == "darwin":
    import ctypes

    def read_elapsed() -> int:
        """Nanoseconds since the machine was started, suspension included."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)

    def read_awake() -> int:
        """The same without suspension."""
        return time.clock_gettime_ns(time.CLOCK_UPTIME_RAW)

    def read_boot_id() -> str:
        """What names this boot; empty where the machine does not tell."""
        text = ctypes.create_string_buffer(64)
        size = ctypes.c_size_t(len(text))
        failed = ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", text, ctypes.byref(size), None, 0)
        return "" if failed else text.value.decode()

else:
    _BOOTTIME: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    _BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

    read_elapsed: Final = partial(time.clock_gettime_ns, _BOOTTIME)
    """Nanoseconds since the machine was started, suspension included."""
    read_awake: Final = partial(time.clock_gettime_ns, time.CLOCK_MONOTONIC)
    """The same without suspension."""

    def read_boot_id() -> str:
        """What names this boot; empty where the machine does not tell."""
        try:
            return _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            return ""


class MachineTime:
    """The time of this machine, as `arclog.clock.TimeSource` asks for it."""

    def elapsed(self) -> int:
        return read_elapsed() // 1000

    def slept(self) -> int:
        return (read_elapsed() - read_awake()) // 1000

    def wall(self) -> int:
        return time.time_ns() // 1000

    def boot_id(self) -> str:
        # Without a boot id, the moment of the boot itself, to ten minutes, tells one boot from another.
        return read_boot_id() or f"boot-{round((self.wall() - self.elapsed()) / 600e6)}"
