"""Makes the npm package that carries a wheel: `npm_package.py WHEEL FOLDER`. It gets the wheel's version."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "cli" / "npm"


def pack(wheel: Path, folder: Path) -> Path:
    """Pack the package into `folder`, and return the packed file.

    Args:
        wheel: the wheel; its name has the version.
        folder: where the package goes; it must exist.

    Raises:
        subprocess.CalledProcessError: npm failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "package"
        shutil.copytree(SOURCES, package)
        (package / "wheel").mkdir()
        shutil.copy(wheel, package / "wheel")
        described = json.loads((package / "package.json").read_text(encoding="utf-8"))
        described["version"] = wheel.name.split("-")[1]
        (package / "package.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder.resolve())]
        done = subprocess.run(command, cwd=package, check=True, stdout=subprocess.PIPE, text=True)
    return folder / done.stdout.strip()


def main(arguments: list[str]) -> int:
    """Pack what the command line names, and print the packed file; 1, and one line, where that cannot be done."""
    if len(arguments) != 2:  # noqa: PLR2004 - a wheel and a folder
        return _refuse("usage: npm_package.py WHEEL FOLDER")
    wheel, folder = map(Path, arguments)
    if not wheel.is_file():
        return _refuse(f"there is no wheel {wheel}")
    if not folder.is_dir():
        return _refuse(f"there is no folder {folder}: make it first")
    try:
        packed = pack(wheel, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        return _refuse(f"npm could not pack it: {error}")
    print(packed)  # noqa: T201 - what it is for
    return 0


def _refuse(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
