"""A fake time that several processes read, and a hub that runs by it: `python -m tests.support.shared_time`."""

import asyncio
import mmap
import struct
import sys
from pathlib import Path

import uvloop

from api.app import create_app
from api.http.listening import listen
from api.http.server import serve
from projections.hub.hub import Hub
from projections.hub.settings import Settings
from tests.support.fake_time import FakeTime

_TIMES = struct.Struct("=qqq")


class SharedTime(FakeTime):
    """A fake time in a file.

    Args:
        path: the file; whoever makes it moves the time, others read it.
        makes: whether this is the one that makes it.
    """

    def __init__(self, path: Path, *, makes: bool = False) -> None:
        super().__init__()
        if makes:
            path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        if makes:
            self._share()

    def _share(self) -> None:
        self._map[: _TIMES.size] = _TIMES.pack(self._wall, self._elapsed, self._slept)

    def pass_micros(self, micros: int) -> None:
        super().pass_micros(micros)
        self._share()

    def elapsed(self) -> int:
        return int(_TIMES.unpack(self._map[: _TIMES.size])[1])

    def slept(self) -> int:
        return int(_TIMES.unpack(self._map[: _TIMES.size])[2])

    def wall(self) -> int:
        return int(_TIMES.unpack(self._map[: _TIMES.size])[0])


async def _run(storage: Path, time: Path, port: int, presence_ttl_sec: float) -> None:
    sock = listen("127.0.0.1", port)
    settings = Settings(storage=storage, port=port, version="test", presence_ttl_sec=presence_ttl_sec)
    hub = Hub(settings, time=SharedTime(time))
    await hub.start()
    await serve(hub, create_app(hub), sock)


if __name__ == "__main__":
    if sys.platform == "win32":
        asyncio.run(_run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
    else:
        uvloop.run(_run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
