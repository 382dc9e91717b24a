"""What Windows tells of the time since its start.

The performance counter counts on while the machine is suspended, is one for all processes, and is never set
(https://learn.microsoft.com/windows/win32/sysinfo/acquiring-high-resolution-time-stamps). Unbiased interrupt time is
what leaves suspension out.
"""

import ctypes
import sys
import time
from typing import Final

assert sys.platform == "win32"

_STEP_NS: Final = 100
_BOOT_ID_ADDRESS: Final = 0x7FFE_0000 + 0x2C4
"""`KUSER_SHARED_DATA.BootId`, which every process can read: how often Windows was started since it was installed."""

_kernel32: Final = ctypes.WinDLL("kernel32")


def read_elapsed() -> int:
    """Nanoseconds since the machine was started, suspension included."""
    return time.perf_counter_ns()


def read_awake() -> int:
    """The same without suspension, in steps of some milliseconds."""
    steps = ctypes.c_uint64()
    _kernel32.QueryUnbiasedInterruptTime(ctypes.byref(steps))
    return steps.value * _STEP_NS


def read_boot_id() -> str:
    """What names this boot; empty where the machine does not tell."""
    number = ctypes.c_uint32.from_address(_BOOT_ID_ADDRESS).value
    return f"windows-{number}" if number else ""
