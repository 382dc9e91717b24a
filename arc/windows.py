"""What Windows tells of processes.

`os.kill` is no way to ask there: signal 0 is Ctrl-C to a whole console, and other numbers end the process at once.
Names are those of https://learn.microsoft.com/windows/win32/api/.
"""

from __future__ import annotations

import ctypes
import sys
import time
from ctypes import wintypes

assert sys.platform == "win32"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

QUERY = 0x1000
SYNCHRONIZE = 0x0010_0000
ACCESS_DENIED = 5
STILL_RUNS = 0x102
SNAP_PROCESSES = 0x2
NOTHING = wintypes.HANDLE(-1).value
MAX_PATH = 260
STEPS_OF_A_MS = 10_000

PATIENCE_SEC = 1.0
"""How long a file may be held by a program that looks at it, such as a virus scanner, before it counts as refused."""
LOOK_SEC = 0.01

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.OpenProcess.restype = wintypes.HANDLE
_kernel32.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
_kernel32.WaitForSingleObject.argtypes = [wintypes.HANDLE, wintypes.DWORD]
_kernel32.CloseHandle.argtypes = [wintypes.HANDLE]
_kernel32.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
_kernel32.Process32FirstW.argtypes = _kernel32.Process32NextW.argtypes = [wintypes.HANDLE, wintypes.LPVOID]
_kernel32.GetProcessTimes.argtypes = [wintypes.HANDLE, *[wintypes.LPVOID] * 4]


class _Entry(ctypes.Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("usage", wintypes.DWORD),
        ("pid", wintypes.DWORD),
        ("heap", ctypes.c_size_t),
        ("module", wintypes.DWORD),
        ("threads", wintypes.DWORD),
        ("parent", wintypes.DWORD),
        ("priority", wintypes.LONG),
        ("flags", wintypes.DWORD),
        ("program", wintypes.WCHAR * MAX_PATH),
    )


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    handle = _kernel32.OpenProcess(SYNCHRONIZE, False, pid)
    if not handle:
        return ctypes.get_last_error() == ACCESS_DENIED  # somebody else's
    try:
        return bool(_kernel32.WaitForSingleObject(handle, 0) == STILL_RUNS)
    finally:
        _kernel32.CloseHandle(handle)


def find_start(pid: int) -> str | None:
    """When a process started, in milliseconds since 1601; None when it is gone, or may not be asked."""
    handle = _kernel32.OpenProcess(QUERY | SYNCHRONIZE, False, pid)
    if not handle:
        return None
    started, ended, kernel, user = (wintypes.FILETIME() for _ in range(4))
    try:
        if _kernel32.WaitForSingleObject(handle, 0) != STILL_RUNS:
            return None
        parts = [ctypes.byref(part) for part in (started, ended, kernel, user)]
        if not _kernel32.GetProcessTimes(handle, *parts):
            return None
    finally:
        _kernel32.CloseHandle(handle)
    return str((started.dwHighDateTime << 32 | started.dwLowDateTime) // STEPS_OF_A_MS)


def look_at(pid: int) -> tuple[int, list[str]]:
    """The parent of a process, which may have ended, and the name of its program; 0 and nothing when it is gone."""
    snapshot = _kernel32.CreateToolhelp32Snapshot(SNAP_PROCESSES, 0)
    if snapshot == NOTHING:
        return 0, []
    entry = _Entry()
    entry.size = ctypes.sizeof(entry)
    try:
        more = _kernel32.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            if entry.pid == pid:
                return entry.parent, [entry.program]
            more = _kernel32.Process32NextW(snapshot, ctypes.byref(entry))
    finally:
        _kernel32.CloseHandle(snapshot)
    return 0, []


def patiently(change: Callable[[], None]) -> None:
    """Rename or delete a file that others may look at: until they have closed it, Windows refuses.

    Raises:
        OSError: it cannot be done; `PermissionError` when it was held all the time.
    """
    give_up_at = time.monotonic() + PATIENCE_SEC
    while True:
        try:
            change()
        except PermissionError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(LOOK_SEC)
        else:
            return
