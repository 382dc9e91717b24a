"""Says from which commit the files of a folder were built: `provenance.py FOLDER`.

An in-toto Statement v1 (https://in-toto.io/Statement/v1) with SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance).
It is not signed: who publishes the files signs it, or lets the builder do so.
"""

import hashlib
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = "https://github.com/megastructurecorp/arc"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S607


def statement(folder: Path) -> dict[str, object]:
    """The statement about every file of a folder.

    Args:
        folder: what was built, and nothing else.

    Raises:
        subprocess.CalledProcessError: git knows no commit here.
    """
    commit = _git("rev-parse", "HEAD")
    subject = [
        {"name": path.name, "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
        for path in sorted(folder.iterdir())
        if not path.name.endswith(".intoto.json")
    ]
    source = {"uri": f"git+{REPOSITORY}@{commit}", "digest": {"gitCommit": commit}}
    builder = {"id": f"{REPOSITORY}/blob/{commit}/.ci/release", "version": {"python": platform.python_version()}}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": f"{REPOSITORY}/blob/{commit}/.ci/release",
                "externalParameters": {"commit": commit},
                "resolvedDependencies": [source],
            },
            "runDetails": {
                "builder": builder,
                "metadata": {"finishedOn": datetime.now(UTC).isoformat(timespec="seconds")},
            },
        },
    }


if __name__ == "__main__":
    print(json.dumps(statement(Path(sys.argv[1])), indent=2))  # noqa: T201 - what it is for
